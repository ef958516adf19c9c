#pragma once

#include "module.h"

#include <interfaces/IRuntimeManager.h>

#include "delivery.h"

namespace WPEFramework {
namespace Plugin {

/** Tells one INotification. Holds a reference to it for as long as it lives. */
class ThunderSink final : public bridge::Sink {
public:
    explicit ThunderSink(Exchange::IRuntimeManager::INotification& notification);
    ~ThunderSink() override;
    ThunderSink(const ThunderSink&) = delete;
    ThunderSink& operator=(const ThunderSink&) = delete;

    void notify(const bridge::Notification& notification) override;

private:
    Exchange::IRuntimeManager::INotification& notification_;
};

} // namespace Plugin
} // namespace WPEFramework
