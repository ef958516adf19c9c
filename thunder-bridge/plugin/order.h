#pragma once

#include "module.h"

#include <interfaces/IRuntimeManager.h>

#include "runtime.h"

namespace WPEFramework {
namespace Plugin {

/** The lists of `Run`; null where the caller gave none. They stay the caller's. */
bridge::Json valuesOf(Exchange::IRuntimeManager::IValueIterator* values);
bridge::Json textsOf(Exchange::IRuntimeManager::IStringIterator* texts);

/** Every member of RuntimeConfig by its name. */
bridge::Json configOf(const Exchange::RuntimeConfig& config);

} // namespace Plugin
} // namespace WPEFramework
