// Reader of DDL statements: ddl.h.
#include "connectors/mysql/statements/ddl.h"

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "connectors/mysql/statements/quote.h"
#include "connectors/mysql/statements/sql_lexer.h"

namespace tributary::mysql {
namespace {

class Reader {
  public:
    Reader(std::string_view text, std::string_view database)
        : text_(text),
          database_(database),
          lexer_(text),
          token_(lexer_.next()),
          begin_(token_.begin) {}

    std::vector<DdlTarget> read() {
        if (take("CREATE")) {
            create();
        } else if (take("ALTER")) {
            alter();
        } else if (take("DROP")) {
            drop();
        } else if (take("RENAME") && (take("TABLE") || take("TABLES"))) {
            rename();
        }
        return std::move(targets_);
    }

  private:
    void step() { token_ = lexer_.next(); }
    bool take(std::string_view word) {
        if (!is(token_, word)) {
            return false;
        }
        step();
        return true;
    }
    void skip(std::initializer_list<std::string_view> words) {
        while (std::any_of(
            words.begin(), words.end(), [this](std::string_view word) { return take(word); })) {
        }
    }
    bool skip_if_exists() {
        if (!take("IF")) {
            return false;
        }
        take("NOT");
        take("EXISTS");
        return true;
    }
    bool name(std::string& database, std::string& table) {
        database = database_;
        const std::size_t begin = token_.begin;
        const bool read = read_name(lexer_, token_, database, table);
        name_text_ = text_.substr(begin, lexer_.end_before() - begin);
        return read;
    }
    bool name(DdlTarget& out) { return name(out.database, out.table); }

    // From the first word to the last.
    std::string whole() {
        while (token_.kind != TokenKind::end && !is_sign(token_, ';')) {
            step();
        }
        return std::string(text_.substr(begin_, lexer_.end_before() - begin_));
    }
    void add(DdlTarget target, std::string text) {
        target.text = std::move(text);
        targets_.push_back(std::move(target));
    }

    void create() {
        if (take("OR")) {
            take("REPLACE");
        }
        skip({"ONLINE", "OFFLINE", "UNIQUE", "FULLTEXT", "SPATIAL"});
        if (take("TABLE")) {
            skip_if_exists();
            DdlTarget target{.kind = DdlKind::create_table};
            if (name(target)) {
                add(std::move(target), whole());
            }
        } else if (take("DATABASE") || take("SCHEMA")) {
            skip_if_exists();
            database();
        } else if (take("INDEX")) {
            index();
        }
    }

    void alter() {
        skip({"ONLINE", "OFFLINE", "IGNORE"});
        if (take("DATABASE") || take("SCHEMA")) {
            const bool unnamed = is(token_, "CHARACTER") || is(token_, "CHARSET") ||
                                 is(token_, "DEFAULT") || is(token_, "COLLATE") ||
                                 is(token_, "ENCRYPTION") || is(token_, "READ") ||
                                 is(token_, "COMMENT");
            if (unnamed) {
                add({.kind = DdlKind::database, .database = std::string(database_)}, whole());
            } else {
                database();
            }
            return;
        }
        if (!take("TABLE")) {
            return;
        }
        skip_if_exists();
        DdlTarget target{.kind = DdlKind::alter_table};
        if (name(target)) {
            find_new_name(target);
            add(std::move(target), whole());
        }
    }

    // RENAME [TO|AS|=] name, outside parentheses.
    void find_new_name(DdlTarget& target) {
        int depth = 0;
        while (token_.kind != TokenKind::end && !is_sign(token_, ';')) {
            depth += is_sign(token_, '(') ? 1 : is_sign(token_, ')') ? -1 : 0;
            if (depth != 0 || !is(token_, "RENAME")) {
                step();
                continue;
            }
            step();
            if (is(token_, "COLUMN") || is(token_, "INDEX") || is(token_, "KEY")) {
                continue;
            }
            if (!take("TO") && !take("AS") && is_sign(token_, '=')) {
                step();
            }
            std::string database;
            std::string table;
            if (name(database, table)) {
                target.old_database = std::exchange(target.database, std::move(database));
                target.old_table = std::exchange(target.table, std::move(table));
            }
        }
    }

    void drop() {
        skip({"ONLINE", "OFFLINE"});
        if (take("DATABASE") || take("SCHEMA")) {
            skip_if_exists();
            database();
        } else if (take("INDEX")) {
            index();
        } else if (take("TABLE") || take("TABLES")) {
            const std::string start = skip_if_exists() ? "DROP TABLE IF EXISTS " : "DROP TABLE ";
            do {
                DdlTarget target{.kind = DdlKind::drop_table};
                if (!name(target)) {
                    return;
                }
                std::string text = start + quote_identifier(target.database) + "." +
                                   quote_identifier(target.table);
                add(std::move(target), std::move(text));
            } while (take_comma());
        }
    }

    void rename() {
        skip_if_exists();
        do {
            DdlTarget target{.kind = DdlKind::alter_table};
            if (!name(target.old_database, target.old_table)) {
                return;
            }
            std::string text = "RENAME TABLE " + std::string(name_text_) + " TO ";
            skip_wait();
            if (!take("TO") || !name(target)) {
                return;
            }
            text.append(name_text_);
            add(std::move(target), std::move(text));
        } while (take_comma());
    }

    void skip_wait() {
        if (take("WAIT")) {
            step();
        }
        take("NOWAIT");
    }

    // [IF EXISTS] name [USING type] ON table
    void index() {
        skip_if_exists();
        while (token_.kind != TokenKind::end && !is_sign(token_, '(') && !is(token_, "ON")) {
            step();
        }
        DdlTarget target{.kind = DdlKind::alter_table};
        if (take("ON") && name(target)) {
            add(std::move(target), whole());
        }
    }

    void database() {
        if (is_name(token_)) {
            DdlTarget target{.kind = DdlKind::database, .database = name_of(token_)};
            step();
            add(std::move(target), whole());
        }
    }

    bool take_comma() {
        if (!is_sign(token_, ',')) {
            return false;
        }
        step();
        return true;
    }

    std::string_view text_;
    std::string_view database_;
    Lexer lexer_;
    Token token_;
    std::size_t begin_ = 0;
    std::string_view name_text_;  // of the name read last
    std::vector<DdlTarget> targets_;
};

}  // namespace

std::vector<DdlTarget> read_ddl(std::string_view text, std::string_view database) {
    return Reader(text, database).read();
}

}  // namespace tributary::mysql
