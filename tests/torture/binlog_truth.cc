#include "tests/torture/binlog_truth.h"

#include <charconv>
#include <cstdint>

#include "tests/servers/failure.h"

namespace tributary::torture {
namespace {

using servers::ServerFailure;

std::int64_t number_at(std::string_view text) {
    std::int64_t value = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc()) {
        throw ServerFailure("binlog: no number: " + std::string(text.substr(0, 200)));
    }
    return value;
}

// What follows `label` up to `end`; nullopt when the label is not there.
std::optional<std::string_view> between(std::string_view line,
                                        std::string_view label,
                                        std::string_view end) {
    const std::size_t at = line.find(label);
    if (at == std::string_view::npos) {
        return std::nullopt;
    }
    const std::string_view rest = line.substr(at + label.size());
    return rest.substr(0, rest.find_first_of(end));
}

}  // namespace

void BinlogTruthParser::add(std::string_view line) {
    constexpr std::string_view kRow = "### ";
    if (line.starts_with(kRow)) {
        add_row_line(line.substr(kRow.size()));
        return;
    }
    finish_change();
    if (line.starts_with("COMMIT")) {
        commit();
    } else if (line.starts_with("XA ")) {
        add_xa_line(line);
    } else if (line.starts_with("ALTER TABLE ") && open_) {
        open_->changes.push_back(
            {.table = kAlterations, .op = 's', .id = 0, .old_id = {}, .n = -1});
        commit();
    } else if (line.starts_with("SET @@SESSION.GTID_NEXT=")) {
        begin(between(line, "GTID_NEXT= '", "'").value_or(""));  // MySQL
    } else if (line.starts_with("#")) {
        if (const auto gtid = between(line, "\tGTID ", " \t")) {
            begin(*gtid);  // MariaDB
        }
    }
}

void BinlogTruthParser::begin(std::string_view gtid) {
    open_.emplace();
    open_->name = std::string(gtid);
}

void BinlogTruthParser::add_row_line(std::string_view text) {
    if (text.starts_with("INSERT INTO ")) {
        start_change('c', text.substr(12));
    } else if (text.starts_with("UPDATE ")) {
        start_change('u', text.substr(7));
    } else if (text.starts_with("DELETE FROM ")) {
        start_change('d', text.substr(12));
    } else if (text.starts_with("WHERE")) {
        image_ = Image::before;
    } else if (text.starts_with("SET")) {
        image_ = Image::after;
    } else if (text.starts_with("  @1=") && change_) {
        const std::int64_t id = number_at(text.substr(5));
        if (image_ == Image::before && change_->op == 'u') {
            change_->old_id = id;
        } else {
            change_->id = id;
        }
    } else if (text.starts_with("  @2=") && change_ && image_ == Image::after) {
        change_->n = number_at(text.substr(5));
    }
}

// "`database`.`table`"
void BinlogTruthParser::start_change(char op, std::string_view table) {
    finish_change();
    if (!open_) {
        throw ServerFailure("binlog: a row outside a transaction: " + std::string(table));
    }
    std::string name;
    for (const char letter : table) {
        if (letter != '`') {
            name += letter;
        }
    }
    selected_ = name.starts_with(database_ + ".");
    image_ = Image::none;
    change_ = TrueChange{.table = std::move(name), .op = op, .id = 0, .old_id = {}, .n = -1};
}

void BinlogTruthParser::finish_change() {
    if (change_ && selected_) {
        open_->changes.push_back(std::move(*change_));
    }
    change_.reset();
}

void BinlogTruthParser::commit() {
    if (open_ && !open_->changes.empty()) {
        transactions_.push_back(std::move(*open_));
    }
    open_.reset();
}

// "XA PREPARE X'77',X'',1"
void BinlogTruthParser::add_xa_line(std::string_view line) {
    const auto xid_after = [line](std::string_view verb) -> std::optional<std::string> {
        const auto xid = line.starts_with(verb) ? between(line, verb, " /") : std::nullopt;
        return xid ? std::optional<std::string>(*xid) : std::nullopt;
    };
    if (!open_) {
        return;
    }
    if (const auto xid = xid_after("XA PREPARE ")) {
        prepared_[*xid] = std::move(open_->changes);
        open_.reset();
    } else if (const auto done = xid_after("XA COMMIT ")) {
        open_->changes = std::exchange(prepared_[*done], {});
        commit();
    } else if (const auto undone = xid_after("XA ROLLBACK ")) {
        prepared_.erase(*undone);
        open_.reset();
    }
}

std::vector<TrueTransaction> BinlogTruthParser::take() {
    finish_change();
    return std::move(transactions_);
}

}  // namespace tributary::torture
