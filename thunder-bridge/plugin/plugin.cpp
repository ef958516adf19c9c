#include "plugin.h"

#include <algorithm>

#include "order.h"
#include "thunder-sink.h"

namespace WPEFramework {

namespace {
Plugin::Metadata<Plugin::RuntimeManagerBridge> metadata(0, 1, 0, {}, {}, {});
}

namespace Plugin {

SERVICE_REGISTRATION(RuntimeManagerBridge, 0, 1, 0)

namespace {

class Config : public Core::JSON::Container {
public:
    Config()
    {
        Add(_T("socket"), &Socket);
        Add(_T("calltimeout"), &CallTimeout);
        Add(_T("settle"), &Settle);
    }

    Core::JSON::String Socket{_T("/run/runtime-manager/control.sock")};
    Core::JSON::DecUInt32 CallTimeout{120000};
    Core::JSON::DecUInt32 Settle{25};
};

bridge::Runtime::Options optionsOf(const string& line)
{
    Config config;
    config.FromString(line);
    bridge::Runtime::Options options;
    options.link.target.socketPath = config.Socket.Value();
    options.link.callTimeout = std::chrono::milliseconds(std::clamp<uint32_t>(config.CallTimeout.Value(), 1000, 3600000));
    options.settle = std::chrono::milliseconds(std::min<uint32_t>(config.Settle.Value(), 1000));
    return options;
}

} // namespace

RuntimeManagerBridge::RuntimeManagerBridge() : dead_(*this) {}

/** Succeeds also while the daemon is away: it may start later, and be restarted at any time. */
const string RuntimeManagerBridge::Initialize(PluginHost::IShell* service)
{
    const auto log = [](const std::string& text) { SYSLOG(Logging::Notification, (_T("RuntimeManager: %s"), text.c_str())); };
    auto runtime = std::make_shared<bridge::Runtime>(optionsOf(service->ConfigLine()), log);
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        runtime_ = std::move(runtime);
    }
    service->Register(static_cast<PluginHost::IShell::ICOMLink::INotification*>(&dead_));
    return {};
}

void RuntimeManagerBridge::Deinitialize(PluginHost::IShell* service)
{
    service->Unregister(static_cast<PluginHost::IShell::ICOMLink::INotification*>(&dead_));
    std::shared_ptr<bridge::Runtime> runtime;
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        runtime = std::move(runtime_);
    }
    // calls that are under way end with ERROR_UNAVAILABLE, then the last of them destroys it
    if (runtime) runtime->stop();
}

string RuntimeManagerBridge::Information() const { return _T("{\"service\":\"runtimemanagerd\"}"); }

Core::hresult RuntimeManagerBridge::Register(INotification* notification)
{
    if (notification == nullptr) return Core::ERROR_INVALID_PARAMETER;
    return ask([&](bridge::Runtime& it) -> uint32_t {
        // a second registration is no fault upstream either
        it.add(notification, std::make_shared<ThunderSink>(*notification));
        return Core::ERROR_NONE;
    });
}

Core::hresult RuntimeManagerBridge::Unregister(INotification* notification)
{
    return ask([&](bridge::Runtime& it) -> uint32_t { return it.remove(notification) ? Core::ERROR_NONE : Core::ERROR_GENERAL; });
}

Core::hresult RuntimeManagerBridge::Run(const string& appId, const string& appInstanceId, const uint32_t userId, const uint32_t groupId,
                                        IValueIterator* const& ports, IStringIterator* const& paths,
                                        IStringIterator* const& debugSettings, const Exchange::RuntimeConfig& runtimeConfigObject)
{
    return ask([&](bridge::Runtime& it) {
        return it.run({appId, appInstanceId, userId, groupId, valuesOf(ports), textsOf(paths), textsOf(debugSettings),
                       configOf(runtimeConfigObject)});
    });
}

Core::hresult RuntimeManagerBridge::Hibernate(const string& appInstanceId) { return operate("hibernate", appInstanceId); }

Core::hresult RuntimeManagerBridge::Wake(const string& appInstanceId, const RuntimeState runtimeState)
{
    return ask([&](bridge::Runtime& it) { return it.wake(appInstanceId, runtimeState); });
}

Core::hresult RuntimeManagerBridge::Suspend(const string& appInstanceId) { return operate("suspend", appInstanceId); }

Core::hresult RuntimeManagerBridge::Resume(const string& appInstanceId) { return operate("resume", appInstanceId); }

Core::hresult RuntimeManagerBridge::Terminate(const string& appInstanceId) { return operate("terminate", appInstanceId); }

Core::hresult RuntimeManagerBridge::Kill(const string& appInstanceId) { return operate("kill", appInstanceId); }

Core::hresult RuntimeManagerBridge::GetInfo(const string& appInstanceId, string& info)
{
    return ask([&](bridge::Runtime& it) { return it.getInfo(appInstanceId, info); });
}

Core::hresult RuntimeManagerBridge::Annotate(const string& appInstanceId, const string& key, const string& value)
{
    return ask([&](bridge::Runtime& it) { return it.annotate(appInstanceId, key, value); });
}

Core::hresult RuntimeManagerBridge::Mount()
{
    return ask([](bridge::Runtime& it) { return it.bare("mount"); });
}

Core::hresult RuntimeManagerBridge::Unmount()
{
    return ask([](bridge::Runtime& it) { return it.bare("unmount"); });
}

void RuntimeManagerBridge::Dead::Dangling(const Core::IUnknown* source, const uint32_t interfaceId)
{
    if (interfaceId != Exchange::IRuntimeManager::INotification::ID) return;
    const auto* notification = source->QueryInterface<Exchange::IRuntimeManager::INotification>();
    if (notification == nullptr) return;
    const auto it = parent_.runtime();
    if (it && it->remove(notification)) {
        SYSLOG(Logging::Notification, (_T("RuntimeManager: a process that was told events has ended")));
    }
    notification->Release();
}

std::shared_ptr<bridge::Runtime> RuntimeManagerBridge::runtime() const
{
    const std::lock_guard<std::mutex> lock(mutex_);
    return runtime_;
}

Core::hresult RuntimeManagerBridge::operate(const char* method, const string& appInstanceId) const
{
    return ask([&](bridge::Runtime& it) { return it.operate(method, appInstanceId); });
}

} // namespace Plugin
} // namespace WPEFramework
