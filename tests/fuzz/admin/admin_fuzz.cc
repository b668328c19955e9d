// The admin API under any bytes. Input: where they come from (0 unix socket, 1 loopback, 2
// network), and the bytes of a request. Held: a request that is whole or wrong has one well-formed
// answer, the same however its bytes are cut; nothing but the unix socket reaches what changes or
// shows rows; a loopback is asked by its name and the network with the token only; what waits is
// bounded.
#include <algorithm>
#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "admin/exchange.h"
#include "base/assert.h"
#include "ports/quiet_observer.h"
#include "tests/unit/admin/hand_control.h"

namespace {

using namespace tributary;         // NOLINT(google-build-using-namespace): a fuzz target
using namespace tributary::admin;  // NOLINT(google-build-using-namespace)

constexpr std::string_view kToken = "of-the-test";
constexpr std::string_view kMetrics = "m 1\n";

struct World {
    HandControl control;
    QuietObserver observer;
    Api api{.control = control,
            .metrics = [] { return std::string(kMetrics); },
            .observer = observer,
            .token = std::string(kToken)};

    // nullopt: the request has not arrived whole.
    std::optional<std::string> ask(Place place, std::string_view bytes, std::size_t cut) {
        Exchange exchange(api, place);
        while (!bytes.empty()) {
            const std::string piece(
                bytes.substr(0, cut));  // so that views beyond its life are found
            bytes.remove_prefix(piece.size());
            if (exchange.take(piece)) {
                return exchange.answer();
            }
        }
        return std::nullopt;
    }
    [[nodiscard]] bool untouched() const {
        return control.asked.empty() && control.replayed.empty();
    }
};

std::string_view after(std::string_view text, std::string_view mark) {
    const std::size_t at = text.find(mark);
    TRIBUTARY_ASSERT(at != std::string_view::npos);
    return text.substr(at + mark.size());
}

// The status of an answer that is what HTTP asks for.
unsigned status_of(std::string_view answer) {
    static const std::set<unsigned> kKnown{200, 400, 401, 403, 404, 405, 409, 413, 431, 500, 503};
    constexpr std::string_view kBegin = "HTTP/1.1 ";
    TRIBUTARY_ASSERT(answer.starts_with(kBegin));
    const unsigned status =
        static_cast<unsigned>(std::stoul(std::string(answer.substr(kBegin.size(), 3))));
    TRIBUTARY_ASSERT(kKnown.contains(status));
    const std::string_view body = after(answer, "\r\n\r\n");
    TRIBUTARY_ASSERT(std::stoul(std::string(after(answer, "Content-Length: "))) == body.size());
    if (after(answer, "Content-Type: ").starts_with("application/json")) {
        TRIBUTARY_ASSERT(nlohmann::json::accept(body));
    }
    return status;
}

bool is_malformed(const std::optional<std::string>& answer) {
    return !answer || status_of(*answer) == 400 || status_of(*answer) == 413 ||
           status_of(*answer) == 431;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    constexpr std::array kPlaces{Place::unix_socket, Place::loopback, Place::network};
    const Place place = kPlaces.at(*data % kPlaces.size());
    // libFuzzer's interface is in unsigned bytes.
    const std::string_view request(reinterpret_cast<const char*>(data + 1), size - 1);

    World whole;
    const auto answer = whole.ask(place, request, kBodyBytesMax);
    World cut;
    const auto again = cut.ask(place, request, 1);
    // Beast sees some faults only when a whole line is there, so that these may still wait; and a
    // header a little above its bound passes when its end comes with the piece that exceeds it.
    const bool at_bound = request.size() > kHeaderBytesMax;
    TRIBUTARY_ASSERT(again == answer || at_bound || (is_malformed(again) && is_malformed(answer)));
    TRIBUTARY_ASSERT(cut.control.asked == whole.control.asked || at_bound);
    if (!answer) {
        TRIBUTARY_ASSERT(whole.untouched());
        TRIBUTARY_ASSERT(request.size() < 16 * (kHeaderBytesMax + kBodyBytesMax));
        return 0;
    }
    const unsigned status = status_of(*answer);
    if (place != Place::unix_socket) {
        TRIBUTARY_ASSERT(whole.untouched());
    }
    if (place == Place::network && request.find(kToken) == std::string_view::npos) {
        TRIBUTARY_ASSERT(status >= 400 && status != 403 && status != 404);
    }
    if (place == Place::loopback && status < 400) {
        const auto names = {"localhost", "127.", "[::1]"};
        TRIBUTARY_ASSERT(std::any_of(names.begin(), names.end(), [&](std::string_view name) {
            return request.find(name) != std::string_view::npos;
        }));
    }
    return 0;
}
