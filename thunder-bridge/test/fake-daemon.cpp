#include "fake-daemon.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstdlib>
#include <stdexcept>

using bridge::Json;

namespace {

bool readSome(int socket, std::string& buffer)
{
    char bytes[65536];
    const ssize_t size = ::recv(socket, bytes, sizeof bytes, 0);
    if (size <= 0) return false;
    buffer.append(bytes, static_cast<std::size_t>(size));
    return true;
}

/** One masked text of a client; empty: not whole yet. As `ws` it refuses frames without mask. */
bool takeFrame(std::string& buffer, std::uint8_t& opcode, std::string& payload)
{
    const auto byte = [&](std::size_t at) { return static_cast<std::uint8_t>(buffer[at]); };
    if (buffer.size() < 2) return false;
    if ((byte(1) & 0x80) == 0) throw std::runtime_error("a client's frame has no mask");
    opcode = byte(0) & 0x0F;
    std::uint64_t size = byte(1) & 0x7F;
    const std::size_t extended = size == 126 ? 2 : size == 127 ? 8 : 0;
    if (buffer.size() < 6 + extended) return false;
    if (extended > 0) size = 0;
    for (std::size_t at = 0; at < extended; at++) size = size << 8 | byte(2 + at);
    const std::size_t begin = 6 + extended;
    if (buffer.size() < begin + size) return false;
    payload = buffer.substr(begin, size);
    for (std::size_t at = 0; at < size; at++) {
        payload[at] = static_cast<char>(static_cast<std::uint8_t>(payload[at]) ^ byte(begin - 4 + at % 4));
    }
    buffer.erase(0, begin + size);
    return true;
}

} // namespace

FakeDaemon::FakeDaemon(Method method) : method_(std::move(method))
{
    char directory[] = "/tmp/bridge-XXXXXX";
    if (::mkdtemp(directory) == nullptr) throw std::runtime_error("no directory for a socket");
    directory_ = directory;
    path_ = directory_ + "/s";
    start();
}

FakeDaemon::~FakeDaemon()
{
    stop();
    ::rmdir(directory_.c_str());
}

void FakeDaemon::start()
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.copy(address.sun_path, sizeof address.sun_path - 1);
    listener_ = bridge::Descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(listener_.get(), 4) != 0) {
        throw std::runtime_error("cannot listen at " + path_);
    }
    isEnding_ = false;
    thread_ = std::thread([this] { serve(); });
}

void FakeDaemon::stop()
{
    isEnding_ = true;
    const int socket = socket_;
    if (socket >= 0) ::shutdown(socket, SHUT_RDWR);
    if (thread_.joinable()) thread_.join();
    listener_ = bridge::Descriptor();
    ::unlink(path_.c_str());
}

void FakeDaemon::serve()
{
    while (!isEnding_) {
        pollfd wanted{listener_.get(), POLLIN, 0};
        if (::poll(&wanted, 1, 10) <= 0) continue;
        const bridge::Descriptor socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (!socket.isOpen()) continue;
        {
            const std::lock_guard<std::mutex> lock(writing_);
            socket_ = socket.get();
        }
        if (!isEnding_) serveConnection(socket.get());
        const std::lock_guard<std::mutex> lock(writing_);
        isSubscribed_ = false;
        socket_ = -1;
    }
}

void FakeDaemon::serveConnection(int socket)
{
    std::string buffer;
    while (buffer.find("\r\n\r\n") == std::string::npos) {
        if (!readSome(socket, buffer)) return;
    }
    const bool isUpgrade = buffer.find("GET /jsonrpc HTTP/1.1\r\n") == 0 && buffer.find("Sec-WebSocket-Key: ") != std::string::npos;
    if (!isUpgrade) return;
    sendRaw("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
    buffer.erase(0, buffer.find("\r\n\r\n") + 4);
    connections_++;
    while (!isEnding_) {
        std::uint8_t opcode = 0;
        std::string payload;
        while (takeFrame(buffer, opcode, payload)) {
            if (opcode == 9) send(10, payload);
            if (opcode == 8) return;
            if (opcode != 1) continue;
            const std::optional<Json> request = Json::parse(payload);
            if (!request) throw std::runtime_error("no JSON: " + payload);
            send(1, answer(*request));
        }
        while (isDeaf && !isEnding_) std::this_thread::sleep_for(std::chrono::milliseconds(1));
        if (!readSome(socket, buffer)) return;
    }
}

std::string FakeDaemon::answer(const Json& request)
{
    const std::string& method = request["method"].textOr();
    const Json& params = request["params"];
    Json result;
    if (method == "register") {
        isSubscribed_ = params["event"].textOr() == "onEvent";
        result = 0;
    } else if (method == "getEvents") {
        result = page(params);
    } else if (method == "version") {
        result = Json::Object{{"version", "0"}};
    } else {
        result = method_(method, params);
    }
    Json::Object message = {{"jsonrpc", "2.0"}, {"id", request["id"]}};
    const Json& error = result["error"];
    if (error.isNull()) message.emplace_back("result", result);
    else message.emplace_back("error", error);
    return Json(message).write();
}

Json FakeDaemon::page(const Json& params)
{
    pages_++;
    const std::lock_guard<std::mutex> lock(mutex_);
    const std::uint64_t since = params["since"].count().value();
    const std::uint64_t limit = params["limit"].count().value();
    Json::Array events;
    for (const Json& event : events_) {
        if (event["seq"].count() > since && events.size() < limit) events.push_back(event);
    }
    const std::uint64_t firstSeq = events_.empty() ? lastSeq_ + 1 : events_.front()["seq"].count().value();
    return Json::Object{{"events", events}, {"firstSeq", firstSeq}, {"lastSeq", lastSeq_}};
}

void FakeDaemon::commit(Json::Object event)
{
    const std::lock_guard<std::mutex> lock(mutex_);
    event.insert(event.begin(), {"seq", ++lastSeq_});
    events_.emplace_back(std::move(event));
}

void FakeDaemon::publish(Json::Object event)
{
    commit(std::move(event));
    Json last;
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        last = events_.back();
    }
    if (!isSubscribed_) return;
    send(1, Json(Json::Object{{"jsonrpc", "2.0"}, {"method", "thunder-bridge.onEvent"}, {"params", last}}).write());
}

void FakeDaemon::forgetEvents()
{
    const std::lock_guard<std::mutex> lock(mutex_);
    events_.clear();
    lastSeq_ = 0;
}

void FakeDaemon::dropEventsBefore(std::uint64_t seq)
{
    const std::lock_guard<std::mutex> lock(mutex_);
    while (!events_.empty() && events_.front()["seq"].count() < seq) events_.erase(events_.begin());
}

std::uint64_t FakeDaemon::lastSeq() const
{
    const std::lock_guard<std::mutex> lock(mutex_);
    return lastSeq_;
}

/** In parts of at most 1 KiB, as the daemon cuts its messages (src/server/fragments.ts, there 60 KiB). */
void FakeDaemon::send(std::uint8_t opcode, const std::string& payload)
{
    std::string bytes;
    std::size_t at = 0;
    do {
        const std::string part = payload.substr(at, 1024);
        const bool isLast = at + part.size() == payload.size();
        bytes += static_cast<char>((isLast ? 0x80 : 0) | (at == 0 ? opcode : 0));
        if (part.size() < 126) {
            bytes += static_cast<char>(part.size());
        } else {
            bytes += static_cast<char>(126);
            bytes += static_cast<char>(part.size() >> 8);
            bytes += static_cast<char>(part.size() & 0xFF);
        }
        bytes += part;
        at += part.size();
    } while (at < payload.size());
    sendRaw(bytes);
}

void FakeDaemon::sendRaw(const std::string& bytes)
{
    const std::lock_guard<std::mutex> lock(writing_);
    if (socket_ >= 0 && ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL) < 0) return;
}
