#include "channel.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <random>

namespace bridge {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t maxHeadBytes = 16384;

int remaining(Clock::time_point deadline)
{
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    return left > 0 ? static_cast<int>(left) : 0;
}

std::string errorText(const char* what) { return std::string(what) + ": " + std::strerror(errno); }

/** Not connected when it is not open. */
Descriptor connectTo(const std::string& path, std::string& why)
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof address.sun_path) {
        why = path + ": a socket's path has 1 to 107 bytes";
        return Descriptor();
    }
    path.copy(address.sun_path, path.size());
    Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket.isOpen() || ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        why = errorText(path.c_str());
        return Descriptor();
    }
    return socket;
}

/** 16 bytes in base64, as RFC 6455 §4.1 wants them. What the server makes of it is not checked: that guards against caches
 *  between the two, and there are none on a unix socket. */
std::string handshakeKey()
{
    constexpr char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::random_device random;
    std::string key;
    for (int digit = 0; digit < 21; digit++) key += alphabet[random() % 64];
    return key + alphabet[random() % 4 * 16] + "=="; // 128 bits leave two for the last digit
}

} // namespace

std::unique_ptr<Channel> Channel::open(const Target& target, std::string& why)
{
    Descriptor socket = connectTo(target.socketPath, why);
    if (!socket.isOpen()) return nullptr;
    auto channel = std::make_unique<Channel>(std::move(socket), target);
    if (channel->handshake(target.openTimeout)) return channel;
    why = target.socketPath + ": " + channel->why();
    return nullptr;
}

Channel::Channel(Descriptor socket, const Target& target)
    : socket_(std::move(socket)), target_(target), reader_(target.maxMessageBytes)
{
}

bool Channel::handshake(Milliseconds timeout)
{
    const Clock::time_point deadline = Clock::now() + timeout;
    const std::string request = "GET /jsonrpc HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                                "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + handshakeKey() + "\r\n\r\n";
    if (!writeAll(request, timeout)) return false;
    std::string head;
    std::size_t end = std::string::npos;
    while ((end = head.find("\r\n\r\n")) == std::string::npos) {
        pollfd wanted{socket_.get(), POLLIN, 0};
        if (head.size() > maxHeadBytes || ::poll(&wanted, 1, remaining(deadline)) <= 0) {
            shut("no answer to the WebSocket handshake");
            return false;
        }
        if (!fill(head)) return false;
    }
    if (head.compare(0, 12, "HTTP/1.1 101") != 0) {
        shut("the WebSocket was refused: " + head.substr(0, head.find("\r\n")));
        return false;
    }
    reader_.feed(std::string_view(head).substr(end + 4));
    return true;
}

bool Channel::send(std::string_view text) { return write(Opcode::text, text); }

bool Channel::write(Opcode opcode, std::string_view payload)
{
    std::array<std::uint8_t, 4> mask{};
    std::random_device random;
    for (std::uint8_t& byte : mask) byte = static_cast<std::uint8_t>(random());
    const std::string frame = encodeFrame(opcode, payload, mask);
    const std::lock_guard<std::mutex> lock(writing_);
    return writeAll(frame, target_.sendTimeout);
}

bool Channel::writeAll(std::string_view bytes, Milliseconds timeout)
{
    const Clock::time_point deadline = Clock::now() + timeout;
    while (!bytes.empty()) {
        const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent > 0) {
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        } else if (sent < 0 && errno == EINTR) {
            continue;
        } else if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            pollfd wanted{socket_.get(), POLLOUT, 0};
            if (::poll(&wanted, 1, remaining(deadline)) == 0) {
                shut("the daemon does not read");
                return false;
            }
        } else {
            shut(errorText("send"));
            return false;
        }
    }
    return true;
}

Channel::Got Channel::receive(int wakeDescriptor, Milliseconds timeout, std::string& text)
{
    const Clock::time_point deadline = Clock::now() + timeout;
    for (;;) {
        const Got got = take(text);
        if (got != Got::nothing) return got;
        pollfd wanted[2] = {{socket_.get(), POLLIN, 0}, {wakeDescriptor, POLLIN, 0}};
        const int count = ::poll(wanted, 2, remaining(deadline));
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return Got::nothing;
        if (wanted[1].revents != 0) return Got::woken;
        std::string bytes;
        if (!fill(bytes)) return Got::lost;
        reader_.feed(bytes);
    }
}

Channel::Got Channel::take(std::string& text)
{
    while (std::optional<Message> message = reader_.next()) {
        if (message->opcode == Opcode::text) {
            text = std::move(message->payload);
            return Got::text;
        }
        if (message->opcode == Opcode::ping && !write(Opcode::pong, message->payload)) return Got::lost;
        if (message->opcode == Opcode::close) {
            const bool hasReason = message->payload.size() > 2;
            shut("closed by the daemon" + (hasReason ? ": " + message->payload.substr(2) : std::string()));
            return Got::lost;
        }
    }
    if (!reader_.fault().empty()) shut("the daemon sent " + reader_.fault());
    return isShut_ ? Got::lost : Got::nothing;
}

bool Channel::fill(std::string& into)
{
    char bytes[16384];
    const ssize_t size = ::recv(socket_.get(), bytes, sizeof bytes, 0);
    if (size > 0) {
        into.append(bytes, static_cast<std::size_t>(size));
        return true;
    }
    if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return true;
    shut(size == 0 ? "the daemon has closed the connection" : errorText("recv"));
    return false;
}

void Channel::shut(std::string why)
{
    if (isShut_.exchange(true)) return;
    {
        const std::lock_guard<std::mutex> lock(reason_);
        why_ = std::move(why);
    }
    ::shutdown(socket_.get(), SHUT_RDWR);
}

std::string Channel::why() const
{
    const std::lock_guard<std::mutex> lock(reason_);
    return why_;
}

} // namespace bridge
