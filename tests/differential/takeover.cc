#include "tests/differential/takeover.h"

#include <fstream>
#include <sstream>
#include <utility>

#include "tests/servers/failure.h"

namespace tributary::differential {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;

std::string read(const fs::path& file) {
    std::ifstream in(file);
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
}

void replace(std::string& text, std::string_view from, std::string_view to) {
    for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
        text.replace(at, from.size(), to);
    }
}

}  // namespace

Takeover::Takeover(Options options, Connect& connect)
    : options_(std::move(options)), connect_(connect) {
    options_.agent = fs::absolute(options_.agent);
    fs::create_directories(options_.folder / "state");
    const fs::path password = options_.folder / (options_.connector + ".password");
    std::ofstream(password) << options_.password << "\n";
    fs::permissions(password, fs::perms::owner_read | fs::perms::owner_write);
}

void Takeover::save_and_convert() {
    const std::string path = "/connectors/" + options_.connector;
    connect_.get(path, file("connector.json"));
    connect_.get(path + "/offsets", file("offsets.json"));
    servers::run_to_end({.command = {"sh",
                                     "-c",
                                     R"("$0" config from-debezium connector.json --offset )"
                                     R"(offsets.json --bootstrap-servers "$1" >out.yaml 2>notes)",
                                     options_.agent.string(),
                                     options_.bootstrap},
                         .working_directory = options_.folder,
                         .output_file = file("convert.log")},
                        seconds(20));
}

std::string Takeover::notes() const {
    return read(file("notes"));
}

bool Takeover::is_between_transactions() {
    save_and_convert();
    return notes().find("inside a transaction") == std::string::npos;
}

void Takeover::convert() {
    connect_.stop(options_.connector);
    save_and_convert();
    std::string yaml = read(file("out.yaml"));
    replace(yaml, "/etc/tributary", options_.folder.string());
    replace(yaml,
            "agent:\n",
            "admin:\n  listen: ['unix:" + file("admin.sock").string() +
                "']\nagent:\n  state_dir: '" + file("state").string() + "'\n");
    std::ofstream(file("tributary.yaml")) << yaml;

    const std::string said = notes();
    const std::string before = "tributary reset " + options_.connector + " --from '";
    const auto at = said.find(before);
    if (at == std::string::npos) {
        throw servers::ServerFailure("no position in: " + said);
    }
    const std::string from = said.substr(at + before.size());
    servers::run_to_end({.command = {options_.agent.string(),
                                     "-c",
                                     file("tributary.yaml").string(),
                                     "reset",
                                     options_.connector,
                                     "--from",
                                     from.substr(0, from.find('\''))},
                         .output_file = file("reset.log")},
                        seconds(60));
}

void Takeover::start_agent() {
    running_ = servers::Process::spawn(
        {.command = {options_.agent.string(), "-c", file("tributary.yaml").string(), "run"},
         .output_file = file("agent.log")});
}

}  // namespace tributary::differential
