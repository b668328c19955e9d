// Character sets to UTF-8: charset.h.
#include "connectors/mysql/values/charset.h"

#include <iconv.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "connectors/mysql/values/east_asian_differences.h"
#include "connectors/mysql/values/single_byte_charsets.h"

namespace tributary::mysql {
namespace {

constexpr char32_t kReplacement = 0xFFFD;
constexpr char32_t kUnicodeEnd = 0x110000;

// Collations first to last are of one character set (id 0 to 1023 and 2048 on). MariaDB's NO PAD
// collations are the id of the PAD SPACE one + 1024.
struct Range {
    std::uint16_t first;
    std::uint16_t last;
    std::string_view charset;
};
constexpr std::array kRanges{
    Range{1, 1, "big5"},          Range{2, 2, "latin2"},      Range{3, 3, "dec8"},
    Range{4, 4, "cp850"},         Range{5, 5, "latin1"},      Range{6, 6, "hp8"},
    Range{7, 7, "koi8r"},         Range{8, 8, "latin1"},      Range{9, 9, "latin2"},
    Range{10, 10, "swe7"},        Range{11, 11, "ascii"},     Range{12, 12, "ujis"},
    Range{13, 13, "sjis"},        Range{14, 14, "cp1251"},    Range{15, 15, "latin1"},
    Range{16, 16, "hebrew"},      Range{18, 18, "tis620"},    Range{19, 19, "euckr"},
    Range{20, 20, "latin7"},      Range{21, 21, "latin2"},    Range{22, 22, "koi8u"},
    Range{23, 23, "cp1251"},      Range{24, 24, "gb2312"},    Range{25, 25, "greek"},
    Range{26, 26, "cp1250"},      Range{27, 27, "latin2"},    Range{28, 28, "gbk"},
    Range{29, 29, "cp1257"},      Range{30, 30, "latin5"},    Range{31, 31, "latin1"},
    Range{32, 32, "armscii8"},    Range{33, 33, "utf8mb3"},   Range{34, 34, "cp1250"},
    Range{35, 35, "ucs2"},        Range{36, 36, "cp866"},     Range{37, 37, "keybcs2"},
    Range{38, 38, "macce"},       Range{39, 39, "macroman"},  Range{40, 40, "cp852"},
    Range{41, 42, "latin7"},      Range{43, 43, "macce"},     Range{44, 44, "cp1250"},
    Range{45, 46, "utf8mb4"},     Range{47, 49, "latin1"},    Range{50, 52, "cp1251"},
    Range{53, 53, "macroman"},    Range{54, 55, "utf16"},     Range{56, 56, "utf16le"},
    Range{57, 57, "cp1256"},      Range{58, 59, "cp1257"},    Range{60, 61, "utf32"},
    Range{62, 62, "utf16le"},     Range{63, 63, "binary"},    Range{64, 64, "armscii8"},
    Range{65, 65, "ascii"},       Range{66, 66, "cp1250"},    Range{67, 67, "cp1256"},
    Range{68, 68, "cp866"},       Range{69, 69, "dec8"},      Range{70, 70, "greek"},
    Range{71, 71, "hebrew"},      Range{72, 72, "hp8"},       Range{73, 73, "keybcs2"},
    Range{74, 74, "koi8r"},       Range{75, 75, "koi8u"},     Range{76, 76, "utf8mb3"},
    Range{77, 77, "latin2"},      Range{78, 78, "latin5"},    Range{79, 79, "latin7"},
    Range{80, 80, "cp850"},       Range{81, 81, "cp852"},     Range{82, 82, "swe7"},
    Range{83, 83, "utf8mb3"},     Range{84, 84, "big5"},      Range{85, 85, "euckr"},
    Range{86, 86, "gb2312"},      Range{87, 87, "gbk"},       Range{88, 88, "sjis"},
    Range{89, 89, "tis620"},      Range{90, 90, "ucs2"},      Range{91, 91, "ujis"},
    Range{92, 93, "geostd8"},     Range{94, 94, "latin1"},    Range{95, 96, "cp932"},
    Range{97, 98, "eucjpms"},     Range{99, 99, "cp1250"},    Range{101, 124, "utf16"},
    Range{128, 159, "ucs2"},      Range{160, 183, "utf32"},   Range{192, 223, "utf8mb3"},
    Range{224, 247, "utf8mb4"},   Range{248, 250, "gb18030"}, Range{255, 323, "utf8mb4"},
    Range{576, 578, "utf8mb3"},   Range{608, 610, "utf8mb4"}, Range{640, 642, "ucs2"},
    Range{672, 674, "utf16"},     Range{736, 738, "utf32"},   Range{2048, 2303, "utf8mb3"},
    Range{2304, 2559, "utf8mb4"}, Range{2560, 2815, "ucs2"},  Range{2816, 3071, "utf16"},
    Range{3072, 3327, "utf32"},
};
constexpr std::uint16_t kNoPad = 1024;
constexpr std::uint16_t kUca1400 = 2048;

// Writes UTF-8 behind each other into one piece of arena.
class Utf8Writer {
  public:
    Utf8Writer(Arena& arena, std::size_t bytes_max)
        : arena_(arena), start_(arena.allocate(bytes_max)), at_(start_) {}
    void put(char32_t character) {
        if (character < 0x80) {
            *at_++ = static_cast<char>(character);
        } else if (character < 0x800) {
            byte(0xC0 | character >> 6U);
            byte(0x80 | (character & 0x3F));
        } else if (character < 0x10000) {
            byte(0xE0 | character >> 12U);
            byte(0x80 | (character >> 6U & 0x3F));
            byte(0x80 | (character & 0x3F));
        } else {
            byte(0xF0 | character >> 18U);
            byte(0x80 | (character >> 12U & 0x3F));
            byte(0x80 | (character >> 6U & 0x3F));
            byte(0x80 | (character & 0x3F));
        }
    }
    [[nodiscard]] std::string_view finish() {
        const auto bytes = static_cast<std::size_t>(at_ - start_);
        arena_.shrink_last(start_, bytes);
        return {start_, bytes};
    }

  private:
    void byte(char32_t value) { *at_++ = static_cast<char>(value); }
    Arena& arena_;
    char* start_;
    char* at_;
};

bool is_ascii(std::string_view text) {
    std::size_t at = 0;
    for (; at + 8 <= text.size(); at += 8) {
        if ((load<std::uint64_t>(text.data() + at, Endian::little) & 0x8080808080808080ULL) != 0) {
            return false;
        }
    }
    return std::all_of(text.begin() + static_cast<std::ptrdiff_t>(at), text.end(), [](char c) {
        return static_cast<unsigned char>(c) < 0x80;
    });
}

// The character at the start of `text` and its bytes; kReplacement and 1 where it is none.
char32_t read_utf8(std::string_view text, std::size_t& bytes) {
    const auto unit = [&text](std::size_t index) {
        return static_cast<unsigned char>(text[index]);
    };
    const unsigned char first = unit(0);
    bytes = 1;
    if (first < 0x80) {
        return first;
    }
    const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4 || text.size() < length) {
        return kReplacement;
    }
    char32_t character = first & (0x7FU >> length);
    for (std::size_t index = 1; index < length; ++index) {
        if ((unit(index) & 0xC0U) != 0x80U) {
            return kReplacement;
        }
        character = character << 6U | (unit(index) & 0x3FU);
    }
    constexpr std::array<char32_t, 5> kLeast{0, 0, 0x80, 0x800, 0x10000};
    if (character < kLeast[length] || character >= kUnicodeEnd ||
        (character >= 0xD800 && character < 0xE000)) {
        return kReplacement;
    }
    bytes = length;
    return character;
}

class Utf8Converter final : public TextConverter {
  public:
    std::string_view to_utf8(std::string_view text, Arena& arena) const override {
        if (is_ascii(text)) {
            return text;
        }
        std::size_t at = 0;
        std::size_t bytes = 0;
        while (at < text.size()) {
            if (read_utf8(text.substr(at), bytes) == kReplacement && bytes == 1) {
                return mended(text, arena);
            }
            at += bytes;
        }
        return text;
    }

  private:
    static std::string_view mended(std::string_view text, Arena& arena) {
        Utf8Writer out(arena, text.size() * 3);
        std::size_t bytes = 0;
        for (std::size_t at = 0; at < text.size(); at += bytes) {
            out.put(read_utf8(text.substr(at), bytes));
        }
        return out.finish();
    }
};

class SingleByteConverter final : public TextConverter {
  public:
    explicit SingleByteConverter(const UpperHalf* upper) : upper_(upper) {}
    std::string_view to_utf8(std::string_view text, Arena& arena) const override {
        if (is_ascii(text)) {
            return text;
        }
        Utf8Writer out(arena, text.size() * 3);
        for (const char character : text) {
            const auto byte = static_cast<unsigned char>(character);
            const char32_t upper =
                byte < 0x80 || upper_ == nullptr ? char32_t{0} : (*upper_)[byte - 0x80U];
            out.put(byte < 0x80 ? byte : upper == 0 ? kReplacement : upper);
        }
        return out.finish();
    }

  private:
    const UpperHalf* upper_;  // null: ASCII alone
};

// ISO 646 for Swedish.
class Swe7Converter final : public TextConverter {
  public:
    std::string_view to_utf8(std::string_view text, Arena& arena) const override {
        Utf8Writer out(arena, text.size() * 3);
        for (const char character : text) {
            out.put(letter(character));
        }
        return out.finish();
    }

  private:
    static char32_t letter(char character) {
        switch (character) {
            case '@':
                return U'\u00C9';
            case '[':
                return U'\u00C4';
            case '\\':
                return U'\u00D6';
            case ']':
                return U'\u00C5';
            case '^':
                return U'\u00DC';
            case '`':
                return U'\u00E9';
            case '{':
                return U'\u00E4';
            case '|':
                return U'\u00F6';
            case '}':
                return U'\u00E5';
            case '~':
                return U'\u00FC';
            default:
                return static_cast<unsigned char>(character) < 0x80
                           ? static_cast<char32_t>(character)
                           : kReplacement;
        }
    }
};

// ucs2, utf16, utf16le.
class Utf16Converter final : public TextConverter {
  public:
    explicit Utf16Converter(Endian endian) : endian_(endian) {}
    std::string_view to_utf8(std::string_view text, Arena& arena) const override {
        Utf8Writer out(arena, text.size() / 2 * 3 + 3);
        std::size_t at = 0;
        while (at + 2 <= text.size()) {
            char32_t unit = load<std::uint16_t>(text.data() + at, endian_);
            at += 2;
            if (unit >= 0xD800 && unit < 0xDC00 && at + 2 <= text.size()) {
                const char32_t low = load<std::uint16_t>(text.data() + at, endian_);
                if (low >= 0xDC00 && low < 0xE000) {
                    unit = 0x10000 + ((unit - 0xD800) << 10U) + (low - 0xDC00);
                    at += 2;
                }
            }
            out.put(unit >= 0xD800 && unit < 0xE000 ? kReplacement : unit);
        }
        if (at < text.size()) {
            out.put(kReplacement);
        }
        return out.finish();
    }

  private:
    Endian endian_;
};

class Utf32Converter final : public TextConverter {
  public:
    std::string_view to_utf8(std::string_view text, Arena& arena) const override {
        Utf8Writer out(arena, text.size() + 4);
        std::size_t at = 0;
        for (; at + 4 <= text.size(); at += 4) {
            const char32_t unit = load<std::uint32_t>(text.data() + at, Endian::big);
            const bool character = unit < kUnicodeEnd && (unit < 0xD800 || unit >= 0xE000);
            out.put(character ? unit : kReplacement);
        }
        if (at < text.size()) {
            out.put(kReplacement);
        }
        return out.finish();
    }
};

// What of an East Asian character set glibc has another way than the servers.
struct EastAsian {
    std::string_view charset;
    const char* iconv_name;
    std::span<const Difference> differences;
    bool half_width;   // 0xa1 to 0xdf alone are katakana
    bool three_bytes;  // 0x8f starts three
    bool four_bytes;   // a digit in second place: four
};
constexpr std::array kEastAsian{
    EastAsian{"big5", "BIG5", kBig5Differences, false, false, false},
    EastAsian{"gbk", "GBK", {}, false, false, false},
    EastAsian{"gb2312", "GB2312", {}, false, false, false},
    EastAsian{"gb18030", "GB18030", kGb18030Differences, false, false, true},
    EastAsian{"sjis", "CP932", kSjisDifferences, true, false, false},
    EastAsian{"cp932", "CP932", {}, true, false, false},
    EastAsian{"ujis", "EUC-JP-MS", kUjisDifferences, false, true, false},
    EastAsian{"eucjpms", "EUC-JP-MS", {}, false, true, false},
    EastAsian{"euckr", "UHC", {}, false, false, false},
};

class Iconv {
  public:
    explicit Iconv(const char* name) : handle_(iconv_open("UTF-32BE", name)) {}
    ~Iconv() {
        if (ok()) {
            iconv_close(handle_);
        }
    }
    Iconv(const Iconv&) = delete;
    Iconv& operator=(const Iconv&) = delete;
    [[nodiscard]] bool ok() const {
        return handle_ != reinterpret_cast<iconv_t>(std::intptr_t{-1});  // NOLINT: POSIX's failure
    }
    // The one character that `bytes` are, or kReplacement.
    [[nodiscard]] char32_t character(std::string_view bytes) const {
        std::array<char, 4> in{};
        std::array<char, 16> out{};
        const std::size_t count = std::min(bytes.size(), in.size());
        std::memcpy(in.data(), bytes.data(), count);
        char* from = in.data();
        char* to = out.data();
        std::size_t from_left = count;
        std::size_t to_left = out.size();
        iconv(handle_, nullptr, nullptr, nullptr, nullptr);
        const std::size_t result = iconv(handle_, &from, &from_left, &to, &to_left);
        const bool one = result == 0 && from_left == 0 && to_left == out.size() - 4;
        return one ? load<std::uint32_t>(out.data(), Endian::big) : kReplacement;
    }

  private:
    iconv_t handle_;
};

// Two-byte characters come from a table made once; longer ones by iconv, one by one.
class EastAsianConverter final : public TextConverter {
  public:
    explicit EastAsianConverter(const EastAsian& set)
        : set_(set), iconv_(set.iconv_name), two_(kTwoByteCodes) {
        if (!iconv_.ok()) {
            return;
        }
        for (std::size_t code = 0; code < two_.size(); ++code) {
            const std::array<char, 2> bytes{static_cast<char>(0x80U | code >> 8U),
                                            static_cast<char>(code & 0xFFU)};
            const char32_t found = iconv_.character({bytes.data(), bytes.size()});
            two_[code] = static_cast<char16_t>(found < 0x10000 ? found : kReplacement);
        }
        for (const Difference& difference : set_.differences) {
            if (difference.code <= 0xFFFF) {
                two_[difference.code - 0x8000U] = static_cast<char16_t>(difference.character);
            }
        }
    }
    [[nodiscard]] bool ok() const { return iconv_.ok(); }

    std::string_view to_utf8(std::string_view text, Arena& arena) const override {
        if (is_ascii(text)) {
            return text;
        }
        Utf8Writer out(arena, text.size() * 3);
        std::size_t bytes = 0;
        for (std::size_t at = 0; at < text.size(); at += bytes) {
            out.put(read(text.substr(at), bytes));
        }
        return out.finish();
    }

  private:
    static constexpr std::size_t kTwoByteCodes = 0x8000;  // lead bytes 0x80 to 0xff

    [[nodiscard]] char32_t read(std::string_view text, std::size_t& bytes) const {
        const auto first = static_cast<unsigned char>(text[0]);
        bytes = 1;
        if (first < 0x80) {
            return first;
        }
        if (set_.half_width && first >= 0xA1 && first <= 0xDF) {
            return 0xFF61U + (first - 0xA1U);
        }
        if (text.size() < 2) {
            return kReplacement;
        }
        const bool digit = text[1] >= '0' && text[1] <= '9';
        if ((set_.three_bytes && first == 0x8F) || (set_.four_bytes && digit)) {
            const std::size_t length = set_.four_bytes ? 4 : 3;
            if (text.size() < length) {
                return kReplacement;
            }
            bytes = length;
            return longer(text.substr(0, length));
        }
        const std::size_t code = (first & 0x7FU) * 256U + static_cast<unsigned char>(text[1]);
        const char32_t found = two_[code];
        bytes = found == kReplacement && static_cast<unsigned char>(text[1]) < 0x40 ? 1 : 2;
        return found;
    }

    [[nodiscard]] char32_t longer(std::string_view bytes) const {
        std::uint32_t code = 0;
        for (const char byte : bytes) {
            code = code << 8U | static_cast<unsigned char>(byte);
        }
        for (const Difference& difference : set_.differences) {
            if (difference.code == code) {
                return difference.character;
            }
        }
        return iconv_.character(bytes);
    }

    const EastAsian& set_;
    Iconv iconv_;
    std::vector<char16_t> two_;
};

}  // namespace

std::string_view charset_of(std::uint16_t collation) noexcept {
    if (collation >= kNoPad && collation < kUca1400) {
        collation = static_cast<std::uint16_t>(collation - kNoPad);
    }
    const auto at = std::find_if(kRanges.begin(), kRanges.end(), [collation](const Range& range) {
        return collation >= range.first && collation <= range.last;
    });
    return at == kRanges.end() ? std::string_view() : at->charset;
}

std::uint16_t collation_of(std::string_view charset) noexcept {
    if (charset == "utf8") {
        charset = "utf8mb3";
    }
    const auto at = std::find_if(kRanges.begin(), kRanges.end(), [charset](const Range& range) {
        return range.charset == charset;
    });
    return at == kRanges.end() ? std::uint16_t{0} : at->first;
}

std::unique_ptr<TextConverter> make_converter(std::string_view charset) {
    if (charset == "utf8mb4" || charset == "utf8mb3" || charset == "utf8") {
        return std::make_unique<Utf8Converter>();
    }
    if (charset == "ascii") {
        return std::make_unique<SingleByteConverter>(nullptr);
    }
    if (const UpperHalf* upper = upper_half(charset)) {
        return std::make_unique<SingleByteConverter>(upper);
    }
    if (charset == "ucs2" || charset == "utf16" || charset == "utf16le") {
        return std::make_unique<Utf16Converter>(charset == "utf16le" ? Endian::little
                                                                     : Endian::big);
    }
    if (charset == "utf32") {
        return std::make_unique<Utf32Converter>();
    }
    if (charset == "swe7") {
        return std::make_unique<Swe7Converter>();
    }
    const auto set = std::find_if(kEastAsian.begin(), kEastAsian.end(), [&](const EastAsian& each) {
        return each.charset == charset;
    });
    if (set == kEastAsian.end()) {
        return nullptr;
    }
    auto converter = std::make_unique<EastAsianConverter>(*set);
    return converter->ok() ? std::move(converter) : nullptr;
}

std::unique_ptr<TextConverter> make_converter_of(std::uint16_t collation) {
    return make_converter(collation == 0 ? "utf8mb4" : charset_of(collation));
}

}  // namespace tributary::mysql
