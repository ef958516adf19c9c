/** A sink of IRuntimeManager::INotification that writes down what it is told, with the rules of Core::Sink (Thunder,
 *  core/Services.h): nobody may hold a reference to it any more when it goes. */
#pragma once

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "delivery.h"

class Recorder {
public:
    using Callback = std::function<void(const bridge::Notification&)>;

    explicit Recorder(Callback callback = {}) : callback_(std::move(callback)) {}

    /** As the plugin's sink does with AddRef and Release. */
    std::shared_ptr<bridge::Sink> reference() { return std::make_shared<Reference>(*this); }

    /** `started a`, `stateChanged a 2`, `terminated a 0`, `failure a START_FAILED`. */
    std::vector<std::string> heard() const
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        return heard_;
    }
    std::size_t count() const { return heard().size(); }
    bool has(const std::string& text) const
    {
        const std::vector<std::string> all = heard();
        return std::find(all.begin(), all.end(), text) != all.end();
    }
    int references() const { return references_; }

private:
    struct Reference : bridge::Sink {
        explicit Reference(Recorder& owner) : owner_(owner) { owner_.references_++; }
        ~Reference() override { owner_.references_--; }
        void notify(const bridge::Notification& notification) override { owner_.write(notification); }
        Recorder& owner_;
    };

    void write(const bridge::Notification& it)
    {
        if (callback_) callback_(it);
        std::string text;
        if (it.kind == bridge::Kind::started) text = "started " + it.appInstanceId;
        if (it.kind == bridge::Kind::stateChanged) text = "stateChanged " + it.appInstanceId + " " + std::to_string(it.state);
        if (it.kind == bridge::Kind::failure) text = "failure " + it.appInstanceId + " " + it.error;
        if (it.kind == bridge::Kind::terminated) {
            text = "terminated " + it.appInstanceId + " " + (it.exitCode ? std::to_string(*it.exitCode) : "unseen");
        }
        const std::lock_guard<std::mutex> lock(mutex_);
        heard_.push_back(text);
    }

    Callback callback_;
    mutable std::mutex mutex_;
    std::vector<std::string> heard_;
    std::atomic<int> references_{0};
};

inline std::string join(const std::vector<std::string>& texts)
{
    std::string all;
    for (const std::string& text : texts) all += (all.empty() ? "" : ", ") + text;
    return all;
}
