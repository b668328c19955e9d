// Classifier of statement texts: statement.h.
#include "connectors/mysql/statements/statement.h"

#include <array>
#include <charconv>

#include "connectors/mysql/binlog/events.h"
#include "connectors/mysql/statements/sql_lexer.h"

namespace tributary::mysql {
namespace {

// The table that `token` begins; afterwards `token` is the one behind it.
bool read_table(Lexer& lexer, Token& token, Statement& out) {
    return read_name(lexer, token, out.database, out.table);
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
