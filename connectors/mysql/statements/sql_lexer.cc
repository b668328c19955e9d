// Lexer of statement texts: sql_lexer.h.
#include "connectors/mysql/statements/sql_lexer.h"

#include <algorithm>
#include <utility>

namespace tributary::mysql {
namespace {

bool is_word_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '$' || static_cast<unsigned char>(c) >= 0x80;
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

int hex_digit(char c) {
    if (is_digit(c)) {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool is_dash_comment(std::string_view rest) {
    return rest.starts_with("--") && (rest.size() == 2 || rest[2] == ' ' || rest[2] == '\t' ||
                                      rest[2] == '\n' || rest[2] == '\r');
}

}  // namespace

bool is(const Token& token, std::string_view word) {
    return token.kind == TokenKind::word && token.text == word;
}

bool is_sign(const Token& token, char sign) {
    return token.kind == TokenKind::sign && token.text.front() == sign;
}

bool is_name(const Token& token) {
    return token.kind == TokenKind::word || token.kind == TokenKind::quoted_name ||
           token.kind == TokenKind::string;
}

std::string name_of(const Token& token) {
    return token.kind == TokenKind::word ? token.raw : token.text;
}

bool read_name(Lexer& lexer, Token& token, std::string& database, std::string& table) {
    if (!is_name(token)) {
        return false;
    }
    table = name_of(token);
    token = lexer.next();
    if (is_sign(token, '.')) {
        token = lexer.next();
        if (!is_name(token)) {
            return false;
        }
        database = std::move(table);
        table = name_of(token);
        token = lexer.next();
    }
    return true;
}

Token Lexer::next() {
    end_before_ = at_;
    in_comment_before_ = in_comment_;
    const std::size_t comment = skip_blanks();
    const std::size_t begin = in_comment_ ? std::min(comment, at_) : at_;
    Token token = read();
    token.begin = begin;
    return token;
}

std::size_t Lexer::end_before() const {
    constexpr std::string_view kClose = "*/";
    if (!in_comment_before_) {
        return end_before_;
    }
    const auto close = text_.find(kClose, end_before_);
    return close == std::string_view::npos ? text_.size() : close + kClose.size();
}

Token Lexer::read() {
    if (at_ >= text_.size()) {
        return {};
    }
    const char c = text_[at_];
    if (c == '`') {
        return quoted(TokenKind::quoted_name, c);
    }
    if (c == '\'' || c == '"') {
        return quoted(TokenKind::string, c);
    }
    if ((c == 'X' || c == 'x') && at_ + 1 < text_.size() && text_[at_ + 1] == '\'') {
        ++at_;
        return hex_string();
    }
    if (is_word_char(c)) {
        return word();
    }
    ++at_;
    Token sign;
    sign.kind = TokenKind::sign;
    sign.text = std::string(1, c);
    return sign;
}

std::size_t Lexer::skip_blanks() {
    std::size_t comment = std::string_view::npos;
    while (at_ < text_.size()) {
        const std::string_view rest = text_.substr(at_);
        if (rest.front() == ' ' || (rest.front() >= '\t' && rest.front() <= '\r')) {
            ++at_;
        } else if (rest.starts_with("/*!") || rest.starts_with("/*M!")) {
            comment = at_;
            in_comment_ = true;
            at_ += rest[2] == '!' ? 3 : 4;
            while (at_ < text_.size() && is_digit(text_[at_])) {
                ++at_;
            }
        } else if (rest.starts_with("*/")) {
            at_ += 2;
            in_comment_ = false;
        } else if (rest.starts_with("/*")) {
            skip_past("*/", 2);
        } else if (rest.front() == '#' || is_dash_comment(rest)) {
            skip_past("\n", 1);
        } else {
            break;
        }
    }
    return comment;
}

void Lexer::skip_past(std::string_view end, std::size_t from) {
    const auto found = text_.find(end, at_ + from);
    at_ = found == std::string_view::npos ? text_.size() : found + end.size();
}

Token Lexer::word() {
    Token out;
    out.kind = TokenKind::word;
    for (; at_ < text_.size() && is_word_char(text_[at_]); ++at_) {
        const char c = text_[at_];
        out.raw.push_back(c);
        out.text.push_back(c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c);
    }
    return out;
}

Token Lexer::quoted(TokenKind kind, char quote) {
    Token out;
    out.kind = kind;
    for (++at_; at_ < text_.size(); ++at_) {
        if (text_[at_] == '\\' && kind == TokenKind::string && at_ + 1 < text_.size()) {
            ++at_;
        } else if (text_[at_] == quote) {
            ++at_;
            if (at_ >= text_.size() || text_[at_] != quote) {
                return out;  // not a doubled quote
            }
        }
        out.text.push_back(text_[at_]);
    }
    return out;
}

Token Lexer::hex_string() {
    Token out = quoted(TokenKind::hex_string, '\'');
    std::string bytes;
    for (std::size_t index = 0; index + 1 < out.text.size(); index += 2) {
        const int high = hex_digit(out.text[index]);
        const int low = hex_digit(out.text[index + 1]);
        if (high < 0 || low < 0) {
            out.kind = TokenKind::sign;
            out.text = "X";
            return out;
        }
        bytes.push_back(static_cast<char>(high * 16 + low));
    }
    out.text = std::move(bytes);
    return out;
}

}  // namespace tributary::mysql
