#pragma once

#ifndef MODULE_NAME
#define MODULE_NAME Plugin_RuntimeManagerBridge
#endif

#include <plugins/plugins.h>

#undef EXTERNAL
#define EXTERNAL
