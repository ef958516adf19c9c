#include "thunder-sink.h"

namespace WPEFramework {
namespace Plugin {

using Told = Exchange::IRuntimeManager::INotification;

namespace {

/** Two generations of the interface: with the exit code since entservices-appmanagers of August 2026. */
[[maybe_unused]] void tellEnd(Told& told, void (Told::*tell)(const string&), const bridge::Notification& it)
{
    (told.*tell)(it.appInstanceId);
}

[[maybe_unused]] void tellEnd(Told& told, void (Told::*tell)(const string&, int32_t), const bridge::Notification& it)
{
    (told.*tell)(it.appInstanceId, it.exitCode.value_or(-1));
}

} // namespace

ThunderSink::ThunderSink(Told& notification) : notification_(notification) { notification_.AddRef(); }

ThunderSink::~ThunderSink() { notification_.Release(); }

void ThunderSink::notify(const bridge::Notification& it)
{
    switch (it.kind) {
    case bridge::Kind::started:
        notification_.OnStarted(it.appInstanceId);
        break;
    case bridge::Kind::terminated:
        tellEnd(notification_, &Told::OnTerminated, it);
        break;
    case bridge::Kind::failure:
        notification_.OnFailure(it.appInstanceId, it.error);
        break;
    case bridge::Kind::stateChanged:
        notification_.OnStateChanged(it.appInstanceId, static_cast<Exchange::IRuntimeManager::RuntimeState>(it.state));
        break;
    }
}

} // namespace Plugin
} // namespace WPEFramework
