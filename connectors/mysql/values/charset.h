// The servers' character sets: which one a collation is of, and text of any of them to UTF-8, as
// the servers' own CONVERT(... USING utf8mb4) has it. MySQL 9 manual 12.10 "Supported Character
// Sets and Collations"; MariaDB knowledge base, "Supported Character Sets and Collations".
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/arena.h"
#include "connectors/mysql/server_kind.h"

namespace tributary::mysql {

// The collation of binary strings: their bytes are no text.
inline constexpr std::uint16_t kBinaryCollation = 63;

// Name of the character set of a collation, as it stands in a TABLE_MAP event: "latin1"; empty when
// the id is not known.
[[nodiscard]] std::string_view charset_of(std::uint16_t collation) noexcept;

// A collation of the character set, for which charset_of() gives it back; 0 when not known.
[[nodiscard]] std::uint16_t collation_of(std::string_view charset) noexcept;

// Text to UTF-8. Bytes that are no character become U+FFFD; the servers do not store such.
class TextConverter {
  public:
    virtual ~TextConverter() = default;
    // A view of `text` itself where its bytes are UTF-8 already, else of `arena`.
    [[nodiscard]] virtual std::string_view to_utf8(std::string_view text, Arena& arena) const = 0;
};

// For one character set; null when it is not known. Sets of East Asia make a table of 64 KiB on
// the first call; keep the object.
[[nodiscard]] std::unique_ptr<TextConverter> make_converter(std::string_view charset);

// The same by the collation; UTF-8 when it is not told (0).
[[nodiscard]] std::unique_ptr<TextConverter> make_converter_of(std::uint16_t collation);

}  // namespace tributary::mysql
