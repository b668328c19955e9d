#include "connectors/mysql/quote.h"

namespace tributary::mysql {

namespace {

std::string doubled(std::string_view text, char mark) {
    std::string out(1, mark);
    for (const char letter : text) {
        if (letter == mark) {
            out += mark;
        }
        out += letter;
    }
    return out + mark;
}

}  // namespace

std::string quote_identifier(std::string_view text) {
    return doubled(text, '`');
}

std::string quote_literal(std::string_view text) {
    return doubled(text, '\'');
}

}  // namespace tributary::mysql
