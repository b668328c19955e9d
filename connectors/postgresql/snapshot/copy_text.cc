#include "connectors/postgresql/snapshot/copy_text.h"

#include "base/bytes.h"

namespace tributary::postgresql {
namespace {

constexpr std::string_view kNull = "\\N";

// The byte that a backslash and `letter` stand for; 0: COPY does not write that.
char unescaped(char letter) {
    switch (letter) {
        case 'b':
            return '\b';
        case 'f':
            return '\f';
        case 'n':
            return '\n';
        case 'r':
            return '\r';
        case 't':
            return '\t';
        case 'v':
            return '\v';
        case '\\':
            return '\\';
        default:
            return '\0';
    }
}

bool append_unescaped(std::string& out, std::string_view field) {
    for (;;) {
        const auto escape = field.find('\\');
        out.append(field.substr(0, escape));
        if (escape == std::string_view::npos) {
            return true;
        }
        if (escape + 1 == field.size()) {
            return false;
        }
        const char byte = unescaped(field[escape + 1]);
        if (byte == '\0') {
            return false;
        }
        out.push_back(byte);
        field.remove_prefix(escape + 2);
    }
}

bool append_cell(std::string& out, std::string_view field) {
    if (field == kNull) {
        out.push_back('n');
        return true;
    }
    out.push_back('t');
    const std::size_t size_at = out.size();
    append_fixed(out, std::uint32_t{0}, Endian::big);
    if (!append_unescaped(out, field)) {
        return false;
    }
    const auto size = static_cast<std::uint32_t>(out.size() - size_at - sizeof(std::uint32_t));
    store(out.data() + size_at, size, Endian::big);
    return true;
}

}  // namespace

bool append_copy_tuple(std::string& out, std::string_view line, std::uint16_t columns) {
    if (!line.empty() && line.back() == '\n') {
        line.remove_suffix(1);
    }
    const std::size_t start = out.size();
    append_fixed(out, columns, Endian::big);
    bool good = columns > 0 || line.empty();
    for (std::uint16_t column = 0; good && column < columns; ++column) {
        const auto tab = line.find('\t');
        const bool last = column + 1 == columns;
        good = last == (tab == std::string_view::npos) && append_cell(out, line.substr(0, tab));
        line.remove_prefix(last || !good ? line.size() : tab + 1);
    }
    if (!good) {
        out.resize(start);
    }
    return good;
}

}  // namespace tributary::postgresql
