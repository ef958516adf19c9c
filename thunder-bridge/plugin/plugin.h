#pragma once

#include "module.h"

#include <interfaces/IRuntimeManager.h>

#include <memory>
#include <mutex>

#include "runtime.h"

namespace WPEFramework {
namespace Plugin {

/** Exchange::IRuntimeManager of the callsign org.rdk.RuntimeManager, served by runtimemanagerd. It lives in Thunder's own process:
 *  it holds nothing that could be lost with it, and its two threads only wait. */
class RuntimeManagerBridge : public PluginHost::IPlugin, public Exchange::IRuntimeManager {
public:
    RuntimeManagerBridge();
    ~RuntimeManagerBridge() override = default;
    RuntimeManagerBridge(const RuntimeManagerBridge&) = delete;
    RuntimeManagerBridge& operator=(const RuntimeManagerBridge&) = delete;

    BEGIN_INTERFACE_MAP(RuntimeManagerBridge)
    INTERFACE_ENTRY(PluginHost::IPlugin)
    INTERFACE_ENTRY(Exchange::IRuntimeManager)
    END_INTERFACE_MAP

    /** IPlugin has one of that name too. */
    using INotification = Exchange::IRuntimeManager::INotification;

    const string Initialize(PluginHost::IShell* service) override;
    void Deinitialize(PluginHost::IShell* service) override;
    string Information() const override;

    Core::hresult Register(INotification* notification) override;
    Core::hresult Unregister(INotification* notification) override;
    Core::hresult Run(const string& appId, const string& appInstanceId, const uint32_t userId, const uint32_t groupId,
                      IValueIterator* const& ports, IStringIterator* const& paths, IStringIterator* const& debugSettings,
                      const Exchange::RuntimeConfig& runtimeConfigObject) override;
    Core::hresult Hibernate(const string& appInstanceId) override;
    Core::hresult Wake(const string& appInstanceId, const RuntimeState runtimeState) override;
    Core::hresult Suspend(const string& appInstanceId) override;
    Core::hresult Resume(const string& appInstanceId) override;
    Core::hresult Terminate(const string& appInstanceId) override;
    Core::hresult Kill(const string& appInstanceId) override;
    Core::hresult GetInfo(const string& appInstanceId, string& info) override;
    Core::hresult Annotate(const string& appInstanceId, const string& key, const string& value) override;
    Core::hresult Mount() override;
    Core::hresult Unmount() override;

private:
    /** Sinks of processes that died without `Unregister`. */
    class Dead : public PluginHost::IShell::ICOMLink::INotification {
    public:
        explicit Dead(RuntimeManagerBridge& parent) : parent_(parent) {}
        void Dangling(const Core::IUnknown* source, const uint32_t interfaceId) override;
        void Revoked(const Core::IUnknown*, const uint32_t) override {}

        BEGIN_INTERFACE_MAP(Dead)
        INTERFACE_ENTRY(PluginHost::IShell::ICOMLink::INotification)
        END_INTERFACE_MAP

    private:
        RuntimeManagerBridge& parent_;
    };

    /** Null outside Initialize and Deinitialize: a caller may hold this interface longer than the plugin is active. */
    std::shared_ptr<bridge::Runtime> runtime() const;
    /** What `call` returns; ERROR_UNAVAILABLE without a runtime. */
    template <typename Call>
    Core::hresult ask(Call call) const
    {
        const std::shared_ptr<bridge::Runtime> it = runtime();
        if (!it) return Core::ERROR_UNAVAILABLE;
        return call(*it);
    }
    Core::hresult operate(const char* method, const string& appInstanceId) const;

    mutable std::mutex mutex_;
    std::shared_ptr<bridge::Runtime> runtime_;
    Core::Sink<Dead> dead_;
};

} // namespace Plugin
} // namespace WPEFramework
