// Classifier of statement texts: statement.h.
#include "connectors/mysql/statement.h"

#include <array>
#include <charconv>

#include "connectors/mysql/events.h"

namespace tributary::mysql {
namespace {

enum class TokenKind : std::uint8_t { end, word, quoted_name, string, hex_string, sign };

struct Token {
    TokenKind kind = TokenKind::end;
    std::string text{};  // word: upper case; names and strings: without quotes
    std::string raw{};   // word: as written
};

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

// Words, names and strings of a text, comments left out; what stands in /*! */ and /*M! */ counts.
class Lexer {
  public:
    explicit Lexer(std::string_view text) : text_(text) {}

    Token next() {
        skip_blanks();
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
        return {TokenKind::sign, std::string(1, c), {}};
    }

  private:
    void skip_blanks() {
        while (at_ < text_.size()) {
            const std::string_view rest = text_.substr(at_);
            if (rest.front() == ' ' || (rest.front() >= '\t' && rest.front() <= '\r')) {
                ++at_;
            } else if (rest.starts_with("/*!") || rest.starts_with("/*M!")) {
                at_ += rest[2] == '!' ? 3 : 4;
                while (at_ < text_.size() && is_digit(text_[at_])) {
                    ++at_;
                }
            } else if (rest.starts_with("*/")) {
                at_ += 2;
            } else if (rest.starts_with("/*")) {
                skip_past("*/", 2);
            } else if (rest.front() == '#' || is_dash_comment(rest)) {
                skip_past("\n", 1);
            } else {
                return;
            }
        }
    }
    static bool is_dash_comment(std::string_view rest) {
        return rest.starts_with("--") && (rest.size() == 2 || rest[2] == ' ' || rest[2] == '\t' ||
                                          rest[2] == '\n' || rest[2] == '\r');
    }
    void skip_past(std::string_view end, std::size_t from) {
        const auto found = text_.find(end, at_ + from);
        at_ = found == std::string_view::npos ? text_.size() : found + end.size();
    }
    Token word() {
        Token out;
        out.kind = TokenKind::word;
        for (; at_ < text_.size() && is_word_char(text_[at_]); ++at_) {
            const char c = text_[at_];
            out.raw.push_back(c);
            out.text.push_back(c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c);
        }
        return out;
    }
    Token quoted(TokenKind kind, char quote) {
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
    Token hex_string() {
        Token out = quoted(TokenKind::hex_string, '\'');
        std::string bytes;
        for (std::size_t index = 0; index + 1 < out.text.size(); index += 2) {
            const int high = hex_digit(out.text[index]);
            const int low = hex_digit(out.text[index + 1]);
            if (high < 0 || low < 0) {
                return {TokenKind::sign, "X", {}};
            }
            bytes.push_back(static_cast<char>(high * 16 + low));
        }
        out.text = std::move(bytes);
        return out;
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

bool is(const Token& token, std::string_view word) {
    return token.kind == TokenKind::word && token.text == word;
}

bool is_sign(const Token& token, char sign) {
    return token.kind == TokenKind::sign && token.text.front() == sign;
}

bool is_name(const Token& token) {
    return token.kind == TokenKind::word || token.kind == TokenKind::quoted_name;
}

std::string name_of(const Token& token) {
    return token.kind == TokenKind::word ? token.raw : token.text;
}

// Reads "[database.]table" from `token` on; afterwards `token` is the one behind it.
bool read_table(Lexer& lexer, Token& token, Statement& out) {
    if (!is_name(token)) {
        return false;
    }
    out.table = name_of(token);
    token = lexer.next();
    if (is_sign(token, '.')) {
        token = lexer.next();
        if (!is_name(token)) {
            return false;
        }
        out.database = std::move(out.table);
        out.table = name_of(token);
        token = lexer.next();
    }
    return true;
}

bool is_modifier(const Token& token) {
    constexpr std::array<std::string_view, 5> kModifiers{
        "LOW_PRIORITY", "HIGH_PRIORITY", "DELAYED", "IGNORE", "QUICK"};
    for (const std::string_view word : kModifiers) {
        if (is(token, word)) {
            return true;
        }
    }
    return false;
}

Token next_without_modifiers(Lexer& lexer) {
    Token token = lexer.next();
    while (is_modifier(token)) {
        token = lexer.next();
    }
    return token;
}

// INSERT and REPLACE change one table only.
void read_insert(Lexer& lexer, Statement& out) {
    Token token = next_without_modifiers(lexer);
    if (is(token, "INTO")) {
        token = lexer.next();
    }
    out.has_table = read_table(lexer, token, out);
}

// UPDATE t [AS a] SET: one table. Anything else may name several.
void read_update(Lexer& lexer, Statement& out) {
    Token token = next_without_modifiers(lexer);
    if (!read_table(lexer, token, out)) {
        return;
    }
    if (is(token, "AS")) {
        token = lexer.next();
    }
    if (is_name(token) && !is(token, "SET")) {
        token = lexer.next();
    }
    out.has_table = is(token, "SET");
}

// DELETE FROM t [AS a] [WHERE ..]: one table; with USING or a list there may be several.
void read_delete(Lexer& lexer, Statement& out) {
    Token token = next_without_modifiers(lexer);
    if (!is(token, "FROM")) {
        return;
    }
    token = lexer.next();
    if (!read_table(lexer, token, out)) {
        return;
    }
    out.has_table = token.kind == TokenKind::end || is(token, "WHERE") || is(token, "ORDER") ||
                    is(token, "LIMIT") || is(token, "RETURNING");
}

void read_load(Lexer& lexer, Statement& out) {
    for (Token token = lexer.next(); token.kind != TokenKind::end; token = lexer.next()) {
        if (is(token, "INTO")) {
            token = lexer.next();
            if (is(token, "TABLE")) {
                token = lexer.next();
                out.has_table = read_table(lexer, token, out);
            }
            return;
        }
    }
}

void read_truncate(Lexer& lexer, Statement& out) {
    Token token = lexer.next();
    if (is(token, "TABLE")) {
        token = lexer.next();
    }
    out.has_table = read_table(lexer, token, out);
}

// CREATE [OR REPLACE] TABLE t .. SELECT, not of a temporary table: where rows are logged as rows,
// the server writes the statement without its SELECT.
void read_create(Lexer& lexer, Statement& out) {
    Token token = lexer.next();
    if (is(token, "OR")) {
        lexer.next();
        token = lexer.next();
    }
    if (!is(token, "TABLE")) {
        return;
    }
    token = lexer.next();
    if (is(token, "IF")) {
        lexer.next();
        lexer.next();
        token = lexer.next();
    }
    Statement named;
    named.has_table = read_table(lexer, token, named);
    for (; token.kind != TokenKind::end; token = lexer.next()) {
        if (is(token, "SELECT")) {
            named.kind = StatementKind::row_change;
            out = std::move(named);
            return;
        }
    }
}

// X'gtrid'[,X'bqual'[,format]]
std::string read_xid(Lexer& lexer, Token& token) {
    const auto is_part = [](const Token& part) {
        return part.kind == TokenKind::hex_string || part.kind == TokenKind::string;
    };
    if (!is_part(token)) {
        return {};
    }
    const std::string gtrid = token.text;
    std::string bqual;
    std::uint32_t format = 1;
    token = lexer.next();
    if (is_sign(token, ',')) {
        token = lexer.next();
        if (!is_part(token)) {
            return {};
        }
        bqual = token.text;
        token = lexer.next();
        if (is_sign(token, ',')) {
            token = lexer.next();
            const char* const end = token.text.data() + token.text.size();
            const auto read = std::from_chars(token.text.data(), end, format);
            if (token.kind != TokenKind::word || read.ec != std::errc() || read.ptr != end) {
                return {};
            }
            token = lexer.next();
        }
    }
    return make_xid(format, gtrid, bqual).value_or("");
}

void read_xa(Lexer& lexer, Statement& out) {
    Token token = lexer.next();
    if (is(token, "START") || is(token, "BEGIN")) {
        out.kind = StatementKind::xa_start;
    } else if (is(token, "END")) {
        out.kind = StatementKind::xa_end;
    } else if (is(token, "PREPARE")) {
        out.kind = StatementKind::xa_prepare;
    } else if (is(token, "COMMIT")) {
        out.kind = StatementKind::xa_commit;
    } else if (is(token, "ROLLBACK")) {
        out.kind = StatementKind::xa_rollback;
    } else {
        return;
    }
    token = lexer.next();
    out.xid = read_xid(lexer, token);
    out.one_phase = out.kind == StatementKind::xa_commit && is(token, "ONE");
}

void read_rollback(Lexer& lexer, Statement& out) {
    out.kind = StatementKind::rollback;
    Token token = lexer.next();
    if (is(token, "WORK")) {
        token = lexer.next();
    }
    if (is(token, "TO")) {
        out.kind = StatementKind::rollback_to;
    }
}

}  // namespace

Statement classify(std::string_view text) {
    Lexer lexer(text);
    const Token first = lexer.next();
    Statement out;
    if (first.kind != TokenKind::word) {
        // "(SELECT ..)" and the like: logged only for what its functions change.
        out.kind = is_sign(first, '(') ? StatementKind::row_change : StatementKind::other;
        return out;
    }
    const std::string& word = first.text;
    if (word == "BEGIN") {
        out.kind = StatementKind::begin;
    } else if (word == "COMMIT") {
        out.kind = StatementKind::commit;
    } else if (word == "ROLLBACK") {
        read_rollback(lexer, out);
    } else if (word == "SAVEPOINT" || word == "RELEASE") {
        out.kind = StatementKind::savepoint;
    } else if (word == "XA") {
        read_xa(lexer, out);
    } else if (word == "INSERT" || word == "REPLACE") {
        out.kind = StatementKind::row_change;
        read_insert(lexer, out);
    } else if (word == "UPDATE") {
        out.kind = StatementKind::row_change;
        read_update(lexer, out);
    } else if (word == "DELETE") {
        out.kind = StatementKind::row_change;
        read_delete(lexer, out);
    } else if (word == "LOAD") {
        out.kind = StatementKind::row_change;
        read_load(lexer, out);
    } else if (word == "WITH" || word == "SELECT" || word == "DO" || word == "CALL") {
        out.kind = StatementKind::row_change;  // of whatever it or its functions change
    } else if (word == "TRUNCATE") {
        out.kind = StatementKind::truncate;
        read_truncate(lexer, out);
    } else if (word == "CREATE") {
        read_create(lexer, out);
    }
    return out;
}

}  // namespace tributary::mysql
