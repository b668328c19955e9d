// What conf/ tells Prometheus and Grafana, and docs/metrics.md, name only metrics that exist; the
// page names all of them.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <string>

#include "telemetry/metrics.h"

namespace tributary::telemetry {
namespace {

std::string read(const std::string& name) {
    std::ifstream in(std::string(TRIBUTARY_SOURCE_DIR) + "/" + name);
    EXPECT_TRUE(in.is_open()) << name;
    return {std::istreambuf_iterator<char>(in), {}};
}

std::set<std::string> metrics_in(const std::string& text) {
    const std::regex metric(R"(\b(tributary_[a-z_]+|process_[a-z_]+)\b)");
    std::set<std::string> names;
    for (std::sregex_iterator at(text.begin(), text.end(), metric), end; at != end; ++at) {
        names.insert((*at)[1]);
    }
    return names;
}

std::set<std::string> existing() {
    std::set<std::string> names;
    const std::regex type(R"(# TYPE (\S+) )");
    const std::string text = Metrics(0).render();
    for (std::sregex_iterator at(text.begin(), text.end(), type), end; at != end; ++at) {
        names.insert((*at)[1]);
    }
    return names;
}

TEST(Conf, names_only_metrics_that_exist) {
    const auto known = existing();
    ASSERT_GE(known.size(), 20U);
    for (const char* file :
         {"conf/prometheus/tributary.rules.yml", "conf/grafana/tributary.json"}) {
        const auto named = metrics_in(read(file));
        EXPECT_GE(named.size(), 5U) << file;
        for (const std::string& name : named) {
            EXPECT_TRUE(known.contains(name)) << file << ": " << name;
        }
    }
}

TEST(Conf, dashboard_is_json_with_panels) {
    const auto dashboard = nlohmann::json::parse(read("conf/grafana/tributary.json"));
    EXPECT_GE(dashboard.at("panels").size(), 6U);
}

// TRIBUTARY_WRITE_METRICS_MD=1 writes the page.
TEST(Manual, of_the_metrics_is_what_the_agent_renders) {
    std::string page =
        "# Metrics\n\nPrometheus text on `GET /metrics` of every admin listener. Metrics of one "
        "source carry the label `pipeline`.\nThis page is printed by `telemetry_test` "
        "(`TRIBUTARY_WRITE_METRICS_MD=1`), which also checks it.\n[Alert "
        "rules](../conf/prometheus/tributary.rules.yml) and a [Grafana "
        "dashboard](../conf/grafana/tributary.json) are in `conf/`.\n\n| metric | type | meaning "
        "|\n|---|---|---|\n";
    const std::regex family(R"(# HELP (\S+) ([^\n]*)\n# TYPE \S+ (\S+))");
    const std::string text = Metrics(0).render();
    for (std::sregex_iterator at(text.begin(), text.end(), family), end; at != end; ++at) {
        page += "| `" + (*at)[1].str() + "` | " + (*at)[3].str() + " | " + (*at)[2].str() + " |\n";
    }
    const std::string path = std::string(TRIBUTARY_SOURCE_DIR) + "/docs/metrics.md";
    if (std::getenv("TRIBUTARY_WRITE_METRICS_MD") != nullptr) {
        std::ofstream(path) << page;
    }
    EXPECT_EQ(read("docs/metrics.md"), page);
}

}  // namespace
}  // namespace tributary::telemetry
