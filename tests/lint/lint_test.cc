// The house rules that a compiler does not know: which room may include which, where each client
// library's headers may stand, who may start threads or read clocks, and what no file may contain.
// The table below is DESIGN 7; a canary shows that a breach is found.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;
using testing::IsEmpty;
using testing::Not;

// Room -> the rooms it may include, besides itself.
const std::map<std::string, std::set<std::string>>& allowed_rooms() {
    static const std::set<std::string> kPorts{"ports", "model", "base"};
    static const std::set<std::string> kConnector{"ports", "model", "format", "base", "config"};
    static const std::map<std::string, std::set<std::string>> kTable{
        {"base", {}},
        {"model", {"base"}},
        {"ports", {"model", "base"}},
        {"core", {"ports", "model", "format", "base"}},
        {"format", {"model", "base"}},
        {"log", {"format", "ports", "model", "base"}},
        {"encode", {"format", "ports", "model", "base"}},
        {"process", kPorts},
        {"config", kPorts},
        {"telemetry", kPorts},
        {"admin", kPorts},
        {"runtime", {"core", "format", "ports", "model", "base"}},
        {"cli", {"agent", "admin", "config", "ports", "model", "base"}},
        {"connectors/postgresql",
         {"core", "ports", "model", "format", "base", "config"}},  // decisions/0010
        {"connectors/kafka", kConnector},
        {"connectors/mysql",
         {"core", "ports", "model", "format", "base", "config"}},  // decisions/0011
        {"connectors/mqtt", kConnector},
    };
    return kTable;
}

// Start of a vendor include -> the rooms where it may stand.
const std::map<std::string, std::set<std::string>>& allowed_vendors() {
    static const std::map<std::string, std::set<std::string>> kTable{
        {"rocksdb/", {"log"}},
        {"librdkafka/", {"connectors/kafka"}},
        {"libpq-fe.h", {"connectors/postgresql"}},
        {"mysql", {"connectors/mysql"}},
        {"cppconn/", {"connectors/mysql"}},
        {"zstd", {"connectors/mysql"}},
        {"mqtt/", {"connectors/mqtt"}},
        {"yaml-cpp/", {"config"}},
        {"spdlog/", {"telemetry"}},
        {"prometheus/", {"telemetry"}},
        {"boost/beast", {"admin"}},
        {"boost/asio", {"admin", "connectors/mqtt"}},
        {"boost/outcome", {"base"}},
        {"CLI/", {"cli"}},
        {"systemd/", {"agent"}},
        {"lz4", {"format"}},
        {"thread>", {"runtime", "connectors/kafka"}},  // decisions/0005
    };
    return kTable;
}

// Words that no line of ours may contain, and the rooms where they may.
const std::map<std::string, std::set<std::string>>& forbidden_words() {
    static const std::map<std::string, std::set<std::string>> kTable{
        {"sleep_for", {}},
        {"system_clock::now", {"agent"}},
        {"steady_clock::now",
         {"agent", "log", "connectors/kafka", "connectors/postgresql"}},  // decisions/0008
        {"TODO", {}},
        {"FIXME", {}},
        {"using namespace", {}},
    };
    return kTable;
}

struct Source {
    std::string room;
    std::string path;
    std::string text;
    bool header_explains = false;  // a .cc whose own header opens with what both are for
};

std::string room_of(const fs::path& relative) {
    auto part = relative.begin();
    const std::string top = part->string();
    ++part;
    return top == "src" ? part->string() : top + "/" + part->string();
}

std::vector<Source> all_sources() {
    std::vector<Source> sources;
    const fs::path root(TRIBUTARY_SOURCE_DIR);
    for (const char* top : {"src", "connectors"}) {
        for (const auto& file : fs::recursive_directory_iterator(root / top)) {
            const auto extension = file.path().extension();
            if (extension != ".h" && extension != ".cc") {
                continue;
            }
            std::ifstream in(file.path());
            std::stringstream text;
            text << in.rdbuf();
            const fs::path relative = fs::relative(file.path(), root);
            fs::path header = file.path();
            header.replace_extension(".h");
            sources.push_back({.room = room_of(relative),
                               .path = relative.string(),
                               .text = text.str(),
                               .header_explains = extension == ".cc" && fs::exists(header)});
        }
    }
    return sources;
}

bool is_our_room(const std::string& name) {
    return allowed_rooms().contains(name) || name == "agent" || name.starts_with("connectors/");
}

void check_include(const Source& source,
                   const std::string& line,
                   std::vector<std::string>& breaches) {
    const std::string name = line.substr(10);
    const std::string room =
        name.starts_with("connectors/") ? room_of(name) : name.substr(0, name.find('/'));
    const bool ours = line[9] == '"';
    if (ours && is_our_room(room) && room != source.room && source.room != "agent") {
        const auto row = allowed_rooms().find(source.room);
        if (row == allowed_rooms().end() || !row->second.contains(room)) {
            breaches.push_back(source.path + ": room " + source.room + " may not include " + room);
        }
    }
    for (const auto& [prefix, rooms] : allowed_vendors()) {
        if (!ours && name.starts_with(prefix) && !rooms.contains(source.room)) {
            breaches.push_back(source.path + ": <" + name + " does not belong in room " +
                               source.room);
        }
    }
}

std::vector<std::string> breaches_of(const Source& source) {
    std::vector<std::string> breaches;
    std::istringstream lines(source.text);
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("#include \"") || line.starts_with("#include <")) {
            check_include(source, line, breaches);
        }
        for (const auto& [word, rooms] : forbidden_words()) {
            if (line.find(word) != std::string::npos && !rooms.contains(source.room)) {
                breaches.push_back(source.path + ": " + word + " in: " + line);
            }
        }
    }
    if (!source.text.starts_with("// ") && !source.header_explains) {
        breaches.push_back(source.path + ": does not open with what it is for");
    }
    if (source.path.ends_with(".h") && source.text.find("#pragma once") == std::string::npos) {
        breaches.push_back(source.path + ": no #pragma once");
    }
    return breaches;
}

TEST(House, keeps_every_include_in_its_room) {
    const auto sources = all_sources();
    ASSERT_GT(sources.size(), 50U);
    for (const Source& source : sources) {
        EXPECT_THAT(breaches_of(source), IsEmpty());
    }
}

TEST(House, finds_a_breach_of_each_kind) {
    const auto text = [](const std::string& line) { return "// A file.\n" + line + "\n"; };
    EXPECT_THAT(breaches_of({"model", "a.cc", text("#include \"base/error.h\"")}), IsEmpty());
    EXPECT_THAT(breaches_of({"base", "a.cc", text("#include \"model/ids.h\"")}), Not(IsEmpty()));
    EXPECT_THAT(breaches_of({"core", "a.cc", text("#include \"log/rocks_log.h\"")}),
                Not(IsEmpty()));
    EXPECT_THAT(breaches_of({"core", "a.cc", text("#include <thread>")}), Not(IsEmpty()));
    EXPECT_THAT(breaches_of({"runtime", "a.cc", text("#include <thread>")}), IsEmpty());
    EXPECT_THAT(breaches_of({"core", "a.cc", text("#include <rocksdb/db.h>")}), Not(IsEmpty()));
    EXPECT_THAT(
        breaches_of({"connectors/kafka", "a.cc", text("#include \"connectors/postgresql/lsn.h\"")}),
        Not(IsEmpty()));
    EXPECT_THAT(breaches_of({"core", "a.cc", text("std::chrono::steady_clock::now();")}),
                Not(IsEmpty()));
    EXPECT_THAT(breaches_of({"core", "a.cc", "int x;\n"}), Not(IsEmpty()));
}

// Every test file is named in a build file, so none can be forgotten.
TEST(House, builds_every_test_file) {
    const fs::path root(TRIBUTARY_SOURCE_DIR);
    std::string build_files;
    for (const char* top : {"cmake", "tests"}) {
        for (const auto& file : fs::recursive_directory_iterator(root / top)) {
            if (file.path().filename() == "CMakeLists.txt" || file.path().extension() == ".cmake") {
                std::ifstream in(file.path());
                std::stringstream text;
                text << in.rdbuf();
                build_files += text.str();
            }
        }
    }
    for (const auto& file : fs::recursive_directory_iterator(root / "tests")) {
        if (file.path().extension() == ".cc") {
            EXPECT_NE(build_files.find(file.path().filename().string()), std::string::npos)
                << file.path() << " is in no CMakeLists.txt";
        }
    }
}

}  // namespace
