// Any text is a configuration or a named error with a place; what was accepted can be printed, and
// no secret is in what is printed.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "agent/connectors.h"
#include "config/loaded.h"

namespace {

using namespace std::string_view_literals;

constexpr std::string_view kSecret = "S3CR3T-VALUE"sv;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    // libFuzzer's interface is in unsigned bytes.
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const tributary::config::Surroundings around{
        .variable = [](const std::string& name) -> std::optional<std::string> {
            return name == "NONE" ? std::nullopt : std::optional<std::string>("1");
        },
        .file = [](const std::string&) { return std::optional<std::string>(kSecret); }};
    const auto loaded =
        tributary::config::load_text(text, "f.yaml", tributary::agent::connectors(), around);
    if (!loaded.has_value()) {
        if (!loaded.error().what().starts_with("f.yaml:")) {
            std::abort();
        }
        return 0;
    }
    const std::string printed = loaded.value().print();
    if (text.find(kSecret) == std::string_view::npos &&
        printed.find(kSecret) != std::string::npos) {
        std::abort();
    }
    return 0;
}
