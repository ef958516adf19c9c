#include "order.h"

namespace WPEFramework {
namespace Plugin {

using bridge::Json;

namespace {

/** Not every version of the interface has it. */
template <typename Config>
auto addHash(Json::Object& members, const Config& config, int) -> decltype(config.md5hash, void())
{
    members.emplace_back("md5hash", config.md5hash);
}

template <typename Config>
void addHash(Json::Object&, const Config&, long)
{
}

} // namespace

Json valuesOf(Exchange::IRuntimeManager::IValueIterator* values)
{
    if (values == nullptr) return {};
    Json::Array items;
    uint32_t value = 0;
    while (values->Next(value)) items.emplace_back(value);
    return items;
}

Json textsOf(Exchange::IRuntimeManager::IStringIterator* texts)
{
    if (texts == nullptr) return {};
    Json::Array items;
    string text;
    while (texts->Next(text)) items.emplace_back(text);
    return items;
}

Json configOf(const Exchange::RuntimeConfig& config)
{
    Json::Object members = {
        {"dial", config.dial},
        {"wanLanAccess", config.wanLanAccess},
        {"thunder", config.thunder},
        {"systemMemoryLimit", config.systemMemoryLimit},
        {"gpuMemoryLimit", config.gpuMemoryLimit},
        {"envVariables", config.envVariables},
        {"userId", config.userId},
        {"groupId", config.groupId},
        {"dataImageSize", config.dataImageSize},
        {"resourceManagerClientEnabled", config.resourceManagerClientEnabled},
        {"dialId", config.dialId},
        {"command", config.command},
        {"appType", config.appType},
        {"appPath", config.appPath},
        {"runtimePath", config.runtimePath},
        {"logFilePath", config.logFilePath},
        {"logFileMaxSize", config.logFileMaxSize},
        {"logLevels", config.logLevels},
        {"mapi", config.mapi},
        {"fkpsFiles", config.fkpsFiles},
        {"capabilities", config.capabilities},
        {"ralfPkgPath", config.ralfPkgPath},
        {"fireboltVersion", config.fireboltVersion},
        {"enableDebugger", config.enableDebugger},
        {"unpackedPath", config.unpackedPath},
    };
    addHash(members, config, 0);
    return members;
}

} // namespace Plugin
} // namespace WPEFramework
