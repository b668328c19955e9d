#include "config/table_rules.h"

#include <string>
#include <vector>

#include "model/name_pattern.h"

namespace tributary::config {
namespace {

// Reads one list of patterns and refuses those that do not compile.
void read_patterns(Reader& reader, const Key& key, std::vector<std::string>& out) {
    reader.texts(key, out);
    for (const std::string& pattern : out) {
        if (const auto compiled = NamePattern::compile(pattern); !compiled) {
            reader.fail(key.name, compiled.error().what());
        }
    }
}

}  // namespace

void read_table_rules(Reader reader, const TableRuleWords& words, FilterRules& out) {
    const std::string start = "Regular expressions over `" + std::string(words.outer) + ".table";
    const std::string include = start +
                                "`, Perl's syntax, whole match, with regard to case unless one "
                                "begins with `(?i)`; empty is every table " +
                                std::string(words.everything) +
                                ". Other tables never touch the disk.";
    const std::string exclude = start + "` of tables to leave out.";
    const std::string columns = start +
                                ".column` of columns to leave out. A column of the key cannot be "
                                "left out.";
    const std::string key = start +
                            ".column` of columns that are the key of their table's records, in the "
                            "order of the list. Other tables keep theirs.";
    read_patterns(reader, {.name = "include", .doc = include}, out.include);
    read_patterns(reader, {.name = "exclude", .doc = exclude}, out.exclude);
    read_patterns(reader, {.name = "exclude_columns", .doc = columns}, out.exclude_columns);
    read_patterns(reader, {.name = "key_columns", .doc = key}, out.key_columns);
}

}  // namespace tributary::config
