// PostgreSQL's text output to values: text_values.h.
#include "connectors/postgresql/values/text_values.h"

#include <array>
#include <bit>
#include <charconv>
#include <concepts>
#include <cstring>
#include <limits>
#include <memory>

#include "base/bytes.h"
#include "connectors/postgresql/values/extension_values.h"
#include "connectors/postgresql/values/hex.h"
#include "connectors/postgresql/values/special_values.h"

namespace tributary::postgresql {
namespace {

constexpr std::int64_t kSecondUs = 1'000'000;
constexpr std::int64_t kDayUs = 86'400 * kSecondUs;
constexpr int kFractionDigits = 6;

// Length of the UTF-8 sequence at `at`, of 2 to 4 bytes; 0 when it is not one (RFC 3629).
std::size_t utf8_sequence(std::string_view text, std::size_t at) {
    const auto byte = [&text](std::size_t index) {
        return index < text.size() ? static_cast<unsigned char>(text[index]) : 0U;
    };
    const auto continues = [&byte](std::size_t index) { return (byte(index) & 0xC0U) == 0x80U; };
    const unsigned first = byte(at);
    const unsigned second = byte(at + 1);
    if (!continues(at + 1)) {
        return 0;
    }
    if (first >= 0xC2 && first <= 0xDF) {
        return 2;
    }
    if (first >= 0xE0 && first <= 0xEF) {
        const bool overlong = first == 0xE0 && second < 0xA0;
        const bool surrogate = first == 0xED && second > 0x9F;
        return !overlong && !surrogate && continues(at + 2) ? 3 : 0;
    }
    if (first >= 0xF0 && first <= 0xF4) {
        const bool overlong = first == 0xF0 && second < 0x90;
        const bool beyond = first == 0xF4 && second > 0x8F;
        return !overlong && !beyond && continues(at + 2) && continues(at + 3) ? 4 : 0;
    }
    return 0;
}

// Reads text from the left; every step tells whether it fitted.
class Scanner {
  public:
    explicit Scanner(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

    [[nodiscard]] bool at_end() const noexcept { return at_ == end_; }
    [[nodiscard]] char peek() const noexcept { return at_ == end_ ? '\0' : *at_; }
    bool take(char c) noexcept {
        if (at_ == end_ || *at_ != c) {
            return false;
        }
        ++at_;
        return true;
    }
    bool take(std::string_view word) noexcept {
        if (static_cast<std::size_t>(end_ - at_) < word.size() ||
            std::memcmp(at_, word.data(), word.size()) != 0) {
            return false;
        }
        at_ += word.size();
        return true;
    }
    // Between `least` and `most` digits (at most 18).
    bool digits(int least, int most, std::int64_t& out) noexcept {
        out = 0;
        int count = 0;
        while (count < most && at_ != end_ && *at_ >= '0' && *at_ <= '9') {
            out = out * 10 + (*at_ - '0');
            ++at_;
            ++count;
        }
        return count >= least;
    }
    // What follows a decimal point, as microseconds: 1 to 6 digits.
    bool fraction(std::int64_t& out) noexcept {
        const char* begin = at_;
        if (!digits(1, kFractionDigits, out)) {
            return false;
        }
        for (auto count = at_ - begin; count < kFractionDigits; ++count) {
            out *= 10;
        }
        return true;
    }

  private:
    const char* at_;
    const char* end_;
};

struct CivilDate {
    std::int64_t year = 0;
    std::int64_t month = 0;
    std::int64_t day = 0;
};

// year-MM-DD, the year with 4 digits or more.
bool scan_date(Scanner& scanner, CivilDate& out) {
    constexpr int kYearDigitsMax = 7;
    return scanner.digits(4, kYearDigitsMax, out.year) && scanner.take('-') &&
           scanner.digits(2, 2, out.month) && scanner.take('-') && scanner.digits(2, 2, out.day) &&
           out.month >= 1 && out.month <= 12 && out.day >= 1 && out.day <= 31 && out.year >= 1;
}

// MM:SS[.ffffff] after an hour was read, as microseconds.
bool scan_minutes(Scanner& scanner, std::int64_t& out) {
    std::int64_t minutes = 0;
    std::int64_t seconds = 0;
    std::int64_t fraction = 0;
    if (!scanner.take(':') || !scanner.digits(2, 2, minutes) || !scanner.take(':') ||
        !scanner.digits(2, 2, seconds) || minutes > 59 || seconds > 59) {
        return false;
    }
    if (scanner.take('.') && !scanner.fraction(fraction)) {
        return false;
    }
    out = (minutes * 60 + seconds) * kSecondUs + fraction;
    return true;
}

// HH:MM:SS[.ffffff], 24:00:00 the last.
bool scan_time(Scanner& scanner, std::int64_t& out) {
    std::int64_t hours = 0;
    if (!scanner.digits(2, 2, hours) || !scan_minutes(scanner, out)) {
        return false;
    }
    out += hours * 3600 * kSecondUs;
    return out <= kDayUs;
}

// +HH[:MM[:SS]] as microseconds east of UTC.
bool scan_offset(Scanner& scanner, std::int64_t& out) {
    const bool west = scanner.peek() == '-';
    if (!scanner.take('-') && !scanner.take('+')) {
        return false;
    }
    std::int64_t hours = 0;
    std::int64_t minutes = 0;
    std::int64_t seconds = 0;
    if (!scanner.digits(2, 2, hours) ||
        (scanner.take(':') && (!scanner.digits(2, 2, minutes) || minutes > 59)) ||
        (scanner.peek() == ':' &&
         (!scanner.take(':') || !scanner.digits(2, 2, seconds) || seconds > 59))) {
        return false;
    }
    out = ((hours * 60 + minutes) * 60 + seconds) * kSecondUs;
    out = west ? -out : out;
    return true;
}

bool infinite(std::string_view text, Value& out) {
    if (text == "infinity") {
        out.state = ValueState::positive_infinity;
        return true;
    }
    if (text == "-infinity") {
        out.state = ValueState::negative_infinity;
        return true;
    }
    return false;
}

std::int64_t days_of(const CivilDate& date, bool before_christ) {
    return days_from_civil(before_christ ? 1 - date.year : date.year,
                           static_cast<unsigned>(date.month),
                           static_cast<unsigned>(date.day));
}

ValueFault parse_date(std::string_view text, Value& out) {
    if (infinite(text, out)) {
        return ValueFault::none;
    }
    Scanner scanner(text);
    CivilDate date;
    if (!scan_date(scanner, date)) {
        return ValueFault::malformed;
    }
    const bool before_christ = scanner.take(" BC");
    out.integer = days_of(date, before_christ);
    return scanner.at_end() ? ValueFault::none : ValueFault::malformed;
}

ValueFault parse_timestamp(std::string_view text, bool zoned, Value& out) {
    if (infinite(text, out)) {
        return ValueFault::none;
    }
    Scanner scanner(text);
    CivilDate date;
    std::int64_t time = 0;
    std::int64_t offset = 0;
    if (!scan_date(scanner, date) || !scanner.take(' ') || !scan_time(scanner, time) ||
        (zoned && !scan_offset(scanner, offset))) {
        return ValueFault::malformed;
    }
    const bool before_christ = scanner.take(" BC");
    if (!scanner.at_end()) {
        return ValueFault::malformed;
    }
    std::int64_t day_us = 0;
    if (__builtin_mul_overflow(days_of(date, before_christ), kDayUs, &day_us) ||
        __builtin_add_overflow(day_us, time - offset, &out.integer)) {
        return ValueFault::out_of_range;
    }
    return ValueFault::none;
}

ValueFault parse_time(std::string_view text, Value& out) {
    Scanner scanner(text);
    return scan_time(scanner, out.integer) && scanner.at_end() ? ValueFault::none
                                                               : ValueFault::malformed;
}

ValueFault parse_time_tz(std::string_view text, Value& out) {
    Scanner scanner(text);
    std::int64_t time = 0;
    std::int64_t offset = 0;
    if (!scan_time(scanner, time) || !scan_offset(scanner, offset) || !scanner.at_end()) {
        return ValueFault::malformed;
    }
    std::int64_t utc = (time - offset) % kDayUs;
    out.integer = utc < 0 ? utc + kDayUs : utc;
    return ValueFault::none;
}

// One field of an interval, after its sign: "2 mons", "04:05:06.78".
ValueFault scan_interval_field(Scanner& scanner, bool negative, Value& out) {
    constexpr int kDigitsMax = 18;
    std::int64_t number = 0;
    if (!scanner.digits(1, kDigitsMax, number)) {
        return ValueFault::malformed;
    }
    if (scanner.peek() == ':') {
        std::int64_t rest = 0;
        if (!scan_minutes(scanner, rest)) {
            return ValueFault::malformed;
        }
        const std::int64_t sign = negative ? -1 : 1;
        std::int64_t hours_us = 0;
        return __builtin_mul_overflow(number * sign, 3600 * kSecondUs, &hours_us) ||
                       __builtin_add_overflow(hours_us, rest * sign, &out.integer)
                   ? ValueFault::out_of_range
                   : ValueFault::none;
    }
    if (!scanner.take(' ')) {
        return ValueFault::malformed;
    }
    const bool years = scanner.take("year");
    const bool months = !years && scanner.take("mon");
    if (!years && !months && !scanner.take("day")) {
        return ValueFault::malformed;
    }
    scanner.take('s');
    number = (negative ? -number : number);
    std::int32_t& field = years || months ? out.months : out.days;
    if (number > std::numeric_limits<std::int32_t>::max() ||
        number < std::numeric_limits<std::int32_t>::min()) {
        return ValueFault::out_of_range;
    }
    const std::int64_t sum = field + number * (years ? 12 : 1);
    if (sum > std::numeric_limits<std::int32_t>::max() ||
        sum < std::numeric_limits<std::int32_t>::min()) {
        return ValueFault::out_of_range;
    }
    field = static_cast<std::int32_t>(sum);
    return ValueFault::none;
}

// IntervalStyle postgres: "1 year 2 mons 3 days 04:05:06.78", each field with its own sign.
ValueFault parse_interval(std::string_view text, Value& out) {
    if (infinite(text, out)) {
        return ValueFault::none;  // PostgreSQL 17
    }
    Scanner scanner(text);
    do {
        const bool negative = scanner.take('-');
        if (!negative) {
            scanner.take('+');
        }
        const ValueFault fault = scan_interval_field(scanner, negative, out);
        if (fault != ValueFault::none) {
            return fault;
        }
    } while (scanner.take(' '));
    return scanner.at_end() ? ValueFault::none : ValueFault::malformed;
}

template <std::integral T>
ValueFault parse_integer(std::string_view text, Value& out) {
    T value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error == std::errc::result_out_of_range) {
        return ValueFault::out_of_range;
    }
    if (error != std::errc() || end != text.data() + text.size()) {
        return ValueFault::malformed;
    }
    out.integer = static_cast<std::int64_t>(value);
    return ValueFault::none;
}

template <std::floating_point T>
ValueFault parse_real(std::string_view text, Value& out) {
    if (text == "NaN") {
        out.real = std::numeric_limits<double>::quiet_NaN();
        return ValueFault::none;
    }
    if (text == "Infinity" || text == "-Infinity") {
        const double infinity = std::numeric_limits<double>::infinity();
        out.real = text.front() == '-' ? -infinity : infinity;
        return ValueFault::none;
    }
    T value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error == std::errc::result_out_of_range) {
        return ValueFault::out_of_range;
    }
    const bool a_number = !text.empty() && (text.back() >= '0' && text.back() <= '9');
    if (error != std::errc() || end != text.data() + text.size() || !a_number) {
        return ValueFault::malformed;
    }
    out.real = static_cast<double>(value);
    return ValueFault::none;
}

ValueFault parse_decimal(std::string_view text, Value& out) {
    out.text = text;
    if (text == "NaN" || text == "Infinity" || text == "-Infinity") {
        return ValueFault::none;
    }
    std::size_t at = !text.empty() && text.front() == '-' ? 1 : 0;
    std::size_t digits = 0;
    bool point = false;
    for (; at < text.size(); ++at) {
        if (text[at] == '.' && !point && digits > 0) {
            point = true;
            digits = 0;
        } else if (text[at] >= '0' && text[at] <= '9') {
            ++digits;
        } else {
            return ValueFault::malformed;
        }
    }
    return digits > 0 ? ValueFault::none : ValueFault::malformed;
}

// One bit of a bit string of length one comes as its digit.
ValueFault parse_boolean(std::string_view text, Value& out) {
    const bool set = text == "t" || text == "1";
    if (!set && text != "f" && text != "0") {
        return ValueFault::malformed;
    }
    out.integer = set ? 1 : 0;
    return ValueFault::none;
}

// bytea_output hex: "\x" and two digits per byte.
ValueFault parse_bytes(std::string_view text, Arena& arena, Value& out) {
    const bool is_hex = text.starts_with("\\x") && hex_bytes(text.substr(2), arena, out.text);
    return is_hex ? ValueFault::none : ValueFault::malformed;
}

ValueFault parse_uuid(std::string_view text, Value& out) {
    constexpr std::size_t kUuidChars = 36;
    if (text.size() != kUuidChars) {
        return ValueFault::malformed;
    }
    for (std::size_t at = 0; at < kUuidChars; ++at) {
        const bool hyphen = at == 8 || at == 13 || at == 18 || at == 23;
        if (hyphen ? text[at] != '-' : hex_digit(text[at]) < 0) {
            return ValueFault::malformed;
        }
    }
    out.text = text;
    return ValueFault::none;
}

ValueFault parse_text(std::string_view text, Value& out) {
    out.text = text;
    return is_utf8(text) ? ValueFault::none : ValueFault::not_utf8;
}

// (x,y) as well-known binary: byte order, type 1, both as little-endian doubles.
ValueFault parse_point(std::string_view text, Arena& arena, Value& out) {
    constexpr std::size_t kPointBytes = 21;
    const auto comma = text.find(',');
    if (text.size() < 5 || text.front() != '(' || text.back() != ')' ||
        comma == std::string_view::npos) {
        return ValueFault::malformed;
    }
    Value x;
    Value y;
    if (parse_real<double>(text.substr(1, comma - 1), x) != ValueFault::none ||
        parse_real<double>(text.substr(comma + 1, text.size() - comma - 2), y) !=
            ValueFault::none) {
        return ValueFault::malformed;
    }
    char* const bytes = arena.allocate(kPointBytes);
    bytes[0] = 1;
    store(bytes + 1, std::uint32_t{1}, Endian::little);
    store(bytes + 5, std::bit_cast<std::uint64_t>(x.real), Endian::little);
    store(bytes + 13, std::bit_cast<std::uint64_t>(y.real), Endian::little);
    out.text = {bytes, kPointBytes};
    return ValueFault::none;
}

ValueFault parse_scalar(const ColumnType& type, std::string_view text, Arena& arena, Value& out) {
    switch (type.kind) {
        case TypeKind::boolean:
            return parse_boolean(text, out);
        case TypeKind::int16:
            return parse_integer<std::int16_t>(text, out);
        case TypeKind::int32:
            return parse_integer<std::int32_t>(text, out);
        case TypeKind::int64:
            return parse_integer<std::int64_t>(text, out);
        case TypeKind::float32:
            return parse_real<float>(text, out);
        case TypeKind::float64:
            return parse_real<double>(text, out);
        case TypeKind::decimal:
            return type.precision == 0 && type.scale != 0 ? parse_money(text, arena, out)
                                                          : parse_decimal(text, out);
        case TypeKind::json:
            return type.precision == kJsonOfMap && !hstore_to_json(text, arena, text)
                       ? ValueFault::malformed
                       : parse_text(text, out);
        case TypeKind::text:
        case TypeKind::xml:
        case TypeKind::enumeration:
            return parse_text(text, out);
        case TypeKind::bytes:
            return type.precision > 0 ? parse_bits(text, arena, out)
                                      : parse_bytes(text, arena, out);
        case TypeKind::uuid:
            return parse_uuid(text, out);
        case TypeKind::date:
            return parse_date(text, out);
        case TypeKind::time:
            return parse_time(text, out);
        case TypeKind::time_tz:
            return parse_time_tz(text, out);
        case TypeKind::timestamp:
            return parse_timestamp(text, false, out);
        case TypeKind::timestamp_tz:
            return parse_timestamp(text, true, out);
        case TypeKind::interval:
            return parse_interval(text, out);
        case TypeKind::point:
            return parse_point(text, arena, out);
        case TypeKind::geometry:
        case TypeKind::geography:
            return parse_geometry(text, arena, out);
        case TypeKind::float_vector:
            return parse_vector<float>(text, arena, out);
        case TypeKind::double_vector:
            return parse_vector<double>(text, arena, out);
        case TypeKind::sparse_vector:
            return parse_sparse_vector(text, arena, out);
        case TypeKind::array:
        case TypeKind::unsupported:
        case TypeKind::uint64:
        case TypeKind::year:
        case TypeKind::set:
            return ValueFault::unsupported;
    }
    return ValueFault::unsupported;
}

// Array text (PostgreSQL 15 manual 8.15.6): {a,"b \"c\"",NULL,{..}}. Each level is walked twice: to
// count its elements, then to read them into one piece of arena.
class ArrayParser {
  public:
    ArrayParser(const ColumnType& element, std::string_view text, Arena& arena)
        : element_(element),
          text_(text),
          arena_(arena),
          comma_(is_spatial(element.kind) ? ':' : ',') {}

    ValueFault parse(Value& out) {
        if (!skip_bounds()) {
            return ValueFault::malformed;
        }
        const ValueFault fault = level(1, out);
        if (fault != ValueFault::none) {
            return fault;
        }
        return at_ == text_.size() ? ValueFault::none : ValueFault::malformed;
    }

  private:
    // PostGIS, alone among those that are mapped, declares a delimiter of its own.
    static bool is_spatial(TypeKind kind) {
        return kind == TypeKind::geometry || kind == TypeKind::geography;
    }

    bool is(char c) const { return at_ < text_.size() && text_[at_] == c; }

    // "[1:2][-1:0]=" before the braces: lower bounds other than 1.
    bool skip_bounds() {
        if (!is('[')) {
            return true;
        }
        const auto end = text_.find('=');
        if (end == std::string_view::npos) {
            return false;
        }
        const auto bounds = text_.substr(0, end);
        at_ = end + 1;
        return bounds.find_first_not_of("[]:+-0123456789") == std::string_view::npos;
    }

    // After the quoted element that starts at `at`; npos when it does not end.
    std::size_t after_quoted(std::size_t at) const {
        for (++at; at < text_.size(); ++at) {
            if (text_[at] == '\\') {
                ++at;
            } else if (text_[at] == '"') {
                return at + 1;
            }
        }
        return std::string_view::npos;
    }

    // Elements of the level whose first element is at at_. No closing brace: 0.
    std::size_t count_elements() const {
        std::size_t count = 1;
        std::size_t depth = 0;
        for (std::size_t at = at_; at < text_.size();) {
            if (text_[at] == '"') {
                at = after_quoted(at);
                continue;
            }
            if (text_[at] == '}' && depth == 0) {
                return count;
            }
            depth += text_[at] == '{' ? 1U : 0U;
            depth -= text_[at] == '}' ? 1U : 0U;
            count += text_[at] == comma_ && depth == 0 ? 1U : 0U;
            ++at;
        }
        return 0;
    }

    // NOLINTNEXTLINE(misc-no-recursion): bounded by kArrayDepthMax
    ValueFault level(int depth, Value& out) {
        if (depth > kArrayDepthMax) {
            return ValueFault::too_deep;
        }
        if (!is('{')) {
            return ValueFault::malformed;
        }
        ++at_;
        out = Value{};
        out.state = ValueState::value;
        if (is('}')) {
            ++at_;
            return ValueFault::none;
        }
        const std::size_t count = count_elements();
        total_ += count;
        if (count == 0) {
            return ValueFault::malformed;
        }
        if (total_ > kArrayElementsMax) {
            return ValueFault::too_large;
        }
        const auto values = arena_.make<Value>(count);
        out.elements = values;
        return elements(depth, values);
    }

    // NOLINTNEXTLINE(misc-no-recursion): bounded by kArrayDepthMax
    ValueFault elements(int depth, std::span<Value> values) {
        for (std::size_t index = 0; index < values.size(); ++index) {
            const ValueFault fault =
                is('{') ? level(depth + 1, values[index]) : element(values[index]);
            if (fault != ValueFault::none) {
                return fault;
            }
            if (!is(index + 1 < values.size() ? comma_ : '}')) {
                return ValueFault::malformed;
            }
            ++at_;
        }
        return ValueFault::none;
    }

    ValueFault element(Value& out) {
        if (is('"')) {
            const std::size_t end = after_quoted(at_);
            if (end == std::string_view::npos) {
                return ValueFault::malformed;
            }
            const auto quoted = text_.substr(at_ + 1, end - at_ - 2);
            at_ = end;
            out.state = ValueState::value;
            return parse_scalar(element_, unescape(quoted), arena_, out);
        }
        const auto end = text_.find_first_of(comma_ == ',' ? ",{}\"" : ":{}\"", at_);
        if (end == std::string_view::npos || end == at_) {
            return ValueFault::malformed;
        }
        const auto plain = text_.substr(at_, end - at_);
        at_ = end;
        if (plain == "NULL") {
            return ValueFault::none;
        }
        out.state = ValueState::value;
        return parse_scalar(element_, unescape(plain), arena_, out);
    }

    std::string_view unescape(std::string_view quoted) {
        if (quoted.find('\\') == std::string_view::npos) {
            return quoted;
        }
        char* bytes = arena_.allocate(quoted.size());
        std::size_t count = 0;
        for (std::size_t at = 0; at < quoted.size(); ++at) {
            at += quoted[at] == '\\' && at + 1 < quoted.size() ? 1U : 0U;
            bytes[count++] = quoted[at];
        }
        return {bytes, count};
    }

    const ColumnType& element_;
    std::string_view text_;
    Arena& arena_;
    char comma_;
    std::size_t at_ = 0;
    std::size_t total_ = 0;
};

}  // namespace

bool is_utf8(std::string_view text) noexcept {
    constexpr std::uint64_t kHighBits = 0x8080808080808080ULL;
    std::size_t at = 0;
    while (at < text.size()) {
        std::uint64_t word = 0;
        if (text.size() - at >= sizeof word) {
            std::memcpy(&word, text.data() + at, sizeof word);
            if ((word & kHighBits) == 0) {
                at += sizeof word;
                continue;
            }
        }
        if ((static_cast<unsigned char>(text[at]) & 0x80U) == 0) {
            ++at;
            continue;
        }
        const std::size_t length = utf8_sequence(text, at);
        if (length == 0) {
            return false;
        }
        at += length;
    }
    return true;
}

std::string_view to_string(ValueFault fault) noexcept {
    switch (fault) {
        case ValueFault::none:
            return "no fault";
        case ValueFault::malformed:
            return "not the text form of its type";
        case ValueFault::out_of_range:
            return "out of range";
        case ValueFault::not_utf8:
            return "not UTF-8";
        case ValueFault::too_deep:
            return "array of too many dimensions";
        case ValueFault::too_large:
            return "array of too many elements";
        case ValueFault::unsupported:
            return "type is not supported";
    }
    return "";
}

// Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms": eras of 400 years from 1 March.
std::int64_t days_from_civil(std::int64_t year, unsigned month, unsigned day) noexcept {
    year -= month <= 2 ? 1 : 0;
    const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
    const std::int64_t year_of_era = year - era * 400;
    const std::int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    const std::int64_t day_of_era =
        year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146'097 + day_of_era - 719'468;
}

ValueFault parse_value(const ColumnType& type, std::string_view text, Arena& arena, Value& out) {
    out = Value{};
    out.state = ValueState::value;
    if (type.kind != TypeKind::array) {
        return parse_scalar(type, text, arena, out);
    }
    if (!type.element) {
        return ValueFault::unsupported;
    }
    return ArrayParser(*type.element, text, arena).parse(out);
}

}  // namespace tributary::postgresql
