// Text of cells to their binlog form: cell_encode.h.
#include "connectors/mysql/values/cell_encode.h"

#include <arpa/inet.h>

#include <array>
#include <bit>
#include <charconv>

#include "base/bytes.h"
#include "connectors/mysql/values/decimal.h"
#include "connectors/mysql/values/json_encode.h"

namespace tributary::mysql {
namespace {

constexpr std::uint64_t kYearBase = 1900;
constexpr std::size_t kUuidDigits = 32;

void append_little(std::string& out, std::uint64_t value, std::size_t bytes) {
    for (std::size_t index = 0; index < bytes; ++index) {
        out.push_back(static_cast<char>(value >> (8 * index)));
    }
}

void append_big(std::string& out, std::uint64_t value, std::size_t bytes) {
    for (std::size_t index = bytes; index > 0; --index) {
        out.push_back(static_cast<char>(value >> (8 * (index - 1))));
    }
}

// Unsigned numbers over the whole range, negative ones down to that of 64 bits.
bool parse_integer(std::string_view text, std::uint64_t& value) {
    const bool negative = text.starts_with('-');
    text.remove_prefix(negative ? 1 : 0);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) {
        return false;
    }
    value = negative ? 0 - value : value;
    return true;
}

bool append_integer(std::string& out, const ColumnLayout& layout, std::string_view text) {
    std::uint64_t value = 0;
    if (!parse_integer(text, value)) {
        return false;
    }
    switch (layout.type) {
        case BinlogType::tiny:
            append_little(out, value, 1);
            return true;
        case BinlogType::short_:
            append_little(out, value, 2);
            return true;
        case BinlogType::int24:
            append_little(out, value, 3);
            return true;
        case BinlogType::long_:
            append_little(out, value, 4);
            return true;
        case BinlogType::longlong:
            append_little(out, value, 8);
            return true;
        case BinlogType::enumeration:
        case BinlogType::set:
            append_little(out, value, layout.metadata);
            return true;
        case BinlogType::bit:
            append_big(out, value, (layout.metadata + 7U) / 8U);
            return true;
        case BinlogType::decimal_old:
        case BinlogType::float_:
        case BinlogType::double_:
        case BinlogType::null:
        case BinlogType::timestamp:
        case BinlogType::date:
        case BinlogType::time:
        case BinlogType::datetime:
        case BinlogType::year:
        case BinlogType::newdate:
        case BinlogType::varchar:
        case BinlogType::timestamp2:
        case BinlogType::datetime2:
        case BinlogType::time2:
        case BinlogType::typed_array:
        case BinlogType::blob_compressed:
        case BinlogType::varchar_compressed:
        case BinlogType::vector:
        case BinlogType::json:
        case BinlogType::newdecimal:
        case BinlogType::tiny_blob:
        case BinlogType::medium_blob:
        case BinlogType::long_blob:
        case BinlogType::blob:
        case BinlogType::var_string:
        case BinlogType::string:
        case BinlogType::geometry:
            break;
    }
    return false;
}

bool append_real(std::string& out, const ColumnLayout& layout, std::string_view text) {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) {
        return false;
    }
    if (layout.metadata == sizeof(float)) {
        append_fixed(out, std::bit_cast<std::uint32_t>(static_cast<float>(value)), Endian::little);
    } else {
        append_fixed(out, std::bit_cast<std::uint64_t>(value), Endian::little);
    }
    return true;
}

// Numbers out of "2020-01-31 23:59:59.123456", each with the character that ends it.
class Digits {
  public:
    explicit Digits(std::string_view text) : text_(text) {}
    bool number(std::uint64_t& value) {
        const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), value);
        if (error != std::errc()) {
            return false;
        }
        text_.remove_prefix(static_cast<std::size_t>(end - text_.data()));
        return true;
    }
    bool skip(char expected) {
        if (!text_.starts_with(expected)) {
            return false;
        }
        text_.remove_prefix(1);
        return true;
    }
    // ".123" with `digits` digits at most, as a number of the unit of its bytes (temporal.cc).
    bool fraction(std::uint16_t digits, std::uint64_t& value) {
        value = 0;
        if (text_.empty()) {
            return true;
        }
        if (!skip('.') || text_.size() > 6) {
            return false;
        }
        std::string padded(text_);
        padded.resize((digits + 1U) / 2U * 2U, '0');
        text_ = {};
        const auto [end, error] =
            std::from_chars(padded.data(), padded.data() + padded.size(), value);
        return error == std::errc() && end == padded.data() + padded.size();
    }
    [[nodiscard]] bool at_end() const { return text_.empty(); }

  private:
    std::string_view text_;
};

struct Moment3 {
    std::uint64_t a = 0;
    std::uint64_t b = 0;
    std::uint64_t c = 0;
};

bool three(Digits& digits, char mark, Moment3& out) {
    return digits.number(out.a) && digits.skip(mark) && digits.number(out.b) && digits.skip(mark) &&
           digits.number(out.c);
}

bool append_date(std::string& out, std::string_view text) {
    Digits digits(text);
    Moment3 date;
    if (!three(digits, '-', date) || !digits.at_end() || date.a > 9999 || date.b > 12 ||
        date.c > 31) {
        return false;
    }
    append_little(out, date.a << 9U | date.b << 5U | date.c, 3);
    return true;
}

// TIME2: a signed number with the fraction in its lowest bytes, moved up by half its range.
bool append_time(std::string& out, const ColumnLayout& layout, std::string_view text) {
    const bool negative = text.starts_with('-');
    Digits digits(text.substr(negative ? 1 : 0));
    Moment3 clock;
    std::uint64_t fraction = 0;
    if (!three(digits, ':', clock) || !digits.fraction(layout.metadata, fraction) ||
        clock.a > 838 || clock.b > 59 || clock.c > 59) {
        return false;
    }
    const std::size_t fraction_bytes = (layout.metadata + 1U) / 2U;
    const std::uint64_t magnitude =
        (clock.a << 12U | clock.b << 6U | clock.c) << (8 * fraction_bytes) | fraction;
    const std::uint64_t middle = std::uint64_t{1} << (8 * (3 + fraction_bytes) - 1);
    append_big(out, negative ? middle - magnitude : middle + magnitude, 3 + fraction_bytes);
    return true;
}

struct DateTime {
    Moment3 date;
    Moment3 clock;
    std::uint64_t fraction = 0;
};

bool parse_datetime(std::string_view text, std::uint16_t fraction_digits, DateTime& out) {
    Digits digits(text);
    return three(digits, '-', out.date) && digits.skip(' ') && three(digits, ':', out.clock) &&
           digits.fraction(fraction_digits, out.fraction) && out.date.a <= 9999 &&
           out.date.b <= 12 && out.date.c <= 31 && out.clock.a <= 23 && out.clock.b <= 59 &&
           out.clock.c <= 59;
}

bool append_datetime(std::string& out, const ColumnLayout& layout, std::string_view text) {
    DateTime moment;
    if (!parse_datetime(text, layout.metadata, moment)) {
        return false;
    }
    const std::uint64_t date = (moment.date.a * 13 + moment.date.b) << 5U | moment.date.c;
    const std::uint64_t clock = moment.clock.a << 12U | moment.clock.b << 6U | moment.clock.c;
    append_big(out, (date << 17U | clock) ^ 0x8000000000ULL, 5);
    append_big(out, moment.fraction, (layout.metadata + 1U) / 2U);
    return true;
}

// Days since 1970 of a day from then on. Proleptic Gregorian calendar.
std::uint64_t days_of(const Moment3& date) {
    const std::uint64_t year = date.a - (date.b <= 2 ? 1 : 0);
    const std::uint64_t month = date.b > 2 ? date.b - 3 : date.b + 9;
    return year * 365 + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + date.c - 1 -
           719'468;
}

bool append_timestamp(std::string& out, const ColumnLayout& layout, std::string_view text) {
    DateTime moment;
    if (!parse_datetime(text, layout.metadata, moment)) {
        return false;
    }
    std::uint64_t seconds = 0;
    if (moment.date.a >= 1970) {
        seconds = ((days_of(moment.date) * 24 + moment.clock.a) * 60 + moment.clock.b) * 60 +
                  moment.clock.c;
    } else if (moment.date.a != 0) {
        return false;
    }
    append_big(out, seconds, 4);
    append_big(out, moment.fraction, (layout.metadata + 1U) / 2U);
    return true;
}

void append_counted(std::string& out, std::string_view bytes, std::size_t length_bytes) {
    append_little(out, bytes.size(), length_bytes);
    out += bytes;
}

// Zero bytes at the end are not stored.
void append_padded(std::string& out, const ColumnLayout& layout, std::string_view bytes) {
    append_counted(
        out, bytes.substr(0, bytes.find_last_not_of('\0') + 1), layout.metadata > 255 ? 2 : 1);
}

bool append_uuid(std::string& out, const ColumnLayout& layout, std::string_view text) {
    std::string bytes;
    std::string digits;
    for (const char character : text) {
        if (character != '-') {
            digits.push_back(character);
        }
    }
    if (digits.size() != kUuidDigits) {
        return false;
    }
    for (std::size_t at = 0; at < kUuidDigits; at += 2) {
        unsigned byte = 0;
        const auto [end, error] =
            std::from_chars(digits.data() + at, digits.data() + at + 2, byte, 16);
        if (error != std::errc() || end != digits.data() + at + 2) {
            return false;
        }
        bytes.push_back(static_cast<char>(byte));
    }
    append_padded(out, layout, bytes);
    return true;
}

bool append_inet(std::string& out, const ColumnLayout& layout, std::string_view text, bool four) {
    std::array<char, 16> bytes{};
    if (inet_pton(four ? AF_INET : AF_INET6, std::string(text).c_str(), bytes.data()) != 1) {
        return false;
    }
    append_padded(out, layout, {bytes.data(), four ? 4U : 16U});
    return true;
}

}  // namespace

bool append_cell(std::string& out, const CellForm& form, std::string_view text) {
    const ColumnLayout& layout = form.layout;
    switch (form.text) {
        case CellText::integer:
            return append_integer(out, layout, text);
        case CellText::real:
            return append_real(out, layout, text);
        case CellText::decimal:
            return append_decimal_bytes(out, text, layout.metadata >> 8U, layout.metadata & 0xFFU);
        case CellText::year: {
            std::uint64_t year = 0;
            if (!parse_integer(text, year) || (year != 0 && (year <= kYearBase || year > 2155))) {
                return false;
            }
            append_little(out, year == 0 ? 0 : year - kYearBase, 1);
            return true;
        }
        case CellText::date:
            return append_date(out, text);
        case CellText::time:
            return append_time(out, layout, text);
        case CellText::datetime:
            return append_datetime(out, layout, text);
        case CellText::timestamp:
            return append_timestamp(out, layout, text);
        case CellText::padded:
            append_padded(out, layout, text);
            return text.size() <= layout.metadata;
        case CellText::bytes:
            append_counted(out, text, layout.metadata > 255 ? 2 : 1);
            return text.size() <= layout.metadata;
        case CellText::blob:
            append_counted(out, text, layout.metadata);
            return layout.metadata >= 4 || text.size() >> (8U * layout.metadata) == 0;
        case CellText::json: {
            std::string binary;
            if (!encode_json(binary, text)) {
                return false;
            }
            append_counted(out, binary, layout.metadata);
            return true;
        }
        case CellText::uuid:
            return append_uuid(out, layout, text);
        case CellText::inet4:
        case CellText::inet6:
            return append_inet(out, layout, text, form.text == CellText::inet4);
    }
    return false;
}

}  // namespace tributary::mysql
