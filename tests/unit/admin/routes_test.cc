// Paths, methods, places and queries.
#include "admin/routes.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>

#include "hand_control.h"

namespace tributary::admin {
namespace {

class Routes : public testing::Test {
  protected:
    Answer ask(std::string_view method, std::string_view target, bool on_unix_socket = true) {
        return answer({.method = method, .target = target, .on_unix_socket = on_unix_socket},
                      control_,
                      [] { return std::string("m 1\n"); });
    }
    HandControl control_;
};

TEST_F(Routes, reading_paths_answer_on_both_kinds_of_socket) {
    for (const bool on_unix_socket : {true, false}) {
        EXPECT_EQ(ask("GET", "/metrics", on_unix_socket).body, "m 1\n");
        EXPECT_EQ(ask("GET", "/healthz", on_unix_socket).status, 200U);
        EXPECT_EQ(ask("GET", "/v1/status", on_unix_socket).status, 200U);
        EXPECT_EQ(ask("GET", "/v1/buffer", on_unix_socket).status, 200U);
    }
}

TEST_F(Routes, what_changes_or_may_show_rows_is_for_the_unix_socket) {
    EXPECT_EQ(ask("POST", "/v1/deadletter/5/replay", false).status, 403U);
    EXPECT_EQ(ask("POST", "/v1/verify", false).status, 403U);
    EXPECT_EQ(ask("GET", "/v1/deadletter", false).status, 403U);
    EXPECT_EQ(ask("GET", "/v1/events?pipeline=plant", false).status, 403U);
    EXPECT_EQ(ask("POST", "/v1/buffer/drop?pipeline=plant&before=2", false).status, 403U);
    EXPECT_EQ(ask("GET", "/v1/buffer/peek?pipeline=plant", false).status, 403U);
    EXPECT_TRUE(control_.replayed.empty());
    const Answer replayed = ask("POST", "/v1/deadletter/5/replay");
    EXPECT_EQ(replayed.status, 200U);
    EXPECT_EQ(nlohmann::json::parse(replayed.body).at("queued"), 5);
    EXPECT_EQ(control_.replayed, std::vector<std::uint64_t>{5});
}

TEST_F(Routes, a_wrong_method_is_told_the_right_one) {
    const Answer out = ask("GET", "/v1/verify");
    EXPECT_EQ(out.status, 405U);
    EXPECT_EQ(out.allow, "POST");
    EXPECT_EQ(ask("DELETE", "/v1/status").status, 405U);
    EXPECT_EQ(ask("POST", "/metrics").status, 405U);
    EXPECT_EQ(ask("GET", "/v1/deadletter/5/replay").status, 405U);
    EXPECT_TRUE(control_.replayed.empty());
}

TEST_F(Routes, unknown_paths_are_not_found) {
    for (const char* target : {"",
                               "/",
                               "/v1",
                               "/v1/status/",
                               "/v1/deadletter/replay",
                               "/v1/deadletter//replay",
                               "/v1/../metrics",
                               "metrics"}) {
        EXPECT_EQ(ask("GET", target).status, 404U) << target;
    }
    EXPECT_EQ(ask("POST", "/v1/deadletter/5x/replay").status, 404U);
    EXPECT_EQ(ask("POST", "/v1/deadletter/99999999999999999999/replay").status, 404U);
}

TEST_F(Routes, readiness_follows_the_agent) {
    EXPECT_EQ(ask("GET", "/readyz").status, 503U);
    control_.is_ready = true;
    EXPECT_EQ(ask("GET", "/readyz").status, 200U);
}

TEST_F(Routes, status_is_json_even_with_bytes_that_are_no_utf_8) {
    const auto object = nlohmann::json::parse(ask("GET", "/v1/status").body);
    EXPECT_EQ(object.at("agent_id"), "gw-17");
    EXPECT_EQ(object.at("log_bytes"), 42);
    EXPECT_EQ(object.at("log_error").at("message"), "sda1: Read-only file system");
    EXPECT_EQ(object.at("log_error").at("next"), errors::kLogIo.next);
    const auto& plant = object.at("pipelines").at(0);
    EXPECT_EQ(plant.at("intake").at("state"), "running");
    EXPECT_FALSE(plant.at("intake").contains("error"));
    EXPECT_EQ(plant.at("delivery").at("error"), "kafka_unreachable");
    EXPECT_EQ(plant.at("delivery").at("safe"), errors::kKafkaUnreachable.safe);
    EXPECT_TRUE(plant.at("source_held_bytes").is_null());
    EXPECT_EQ(plant.at("durable"), 9);
    EXPECT_FALSE(plant.at("sink_connected").get<bool>());
}

TEST_F(Routes, peek_takes_its_bounds_from_the_query) {
    EXPECT_EQ(ask("GET", "/v1/buffer/peek?pipeline=plant").status, 200U);
    EXPECT_EQ(control_.asked, "plant 0 100");
    EXPECT_EQ(ask("GET", "/v1/buffer/peek?pipeline=plant&from=7&limit=1000&values=true").status,
              200U);
    EXPECT_EQ(control_.asked, "plant 7 1000 values");
    for (const char* query : {"",
                              "?",
                              "?from=1",
                              "?pipeline=",
                              "?pipeline=plant&limit=1001",
                              "?pipeline=plant&limit=-1",
                              "?pipeline=plant&from=x",
                              "?pipeline=a%00b",
                              "?pipeline=a&pipeline=b",
                              "?pipeline=a&=b",
                              "?pipeline"}) {
        EXPECT_EQ(ask("GET", std::string("/v1/buffer/peek") + query).status, 400U) << query;
    }
}

TEST_F(Routes, dead_letters_carry_their_bytes_as_base64) {
    const auto object = nlohmann::json::parse(ask("GET", "/v1/deadletter?pipeline=plant").body);
    const auto& letter = object.at("dead_letters").at(0);
    EXPECT_EQ(letter.at("id"), 5);
    EXPECT_TRUE(letter.at("key_base64").is_null());
    EXPECT_EQ(letter.at("value_base64"), "AQI=");
    EXPECT_EQ(control_.asked, "plant");
}

TEST_F(Routes, events_are_lines_and_one_more_that_says_where_to_go_on) {
    const Answer page = ask("GET", "/v1/events?pipeline=plant&from=5&to=9&limit=2&pattern=p*.t?");
    EXPECT_EQ(page.status, 200U);
    EXPECT_EQ(control_.asked, "plant 5 9 2 p*.t?");
    const std::size_t last = page.body.rfind('{');
    EXPECT_EQ(page.body.substr(0, last), "{\"sequence\":7}\n");
    const auto more = nlohmann::json::parse(page.body.substr(last));
    EXPECT_EQ(more.at("next"), 8);
    EXPECT_EQ(more.at("last"), 9);
    EXPECT_FALSE(more.at("end").get<bool>());
    ask("GET", "/v1/events?pipeline=plant&raw=true");
    EXPECT_EQ(control_.asked, "plant 0 0 100 raw ");
    for (const char* query : {"", "?from=1", "?pipeline=a&limit=1001", "?pipeline=a&to=x"}) {
        EXPECT_EQ(ask("GET", std::string("/v1/events") + query).status, 400U) << query;
    }
}

TEST_F(Routes, a_drop_names_its_source_and_its_end) {
    const Answer done = ask("POST", "/v1/buffer/drop?pipeline=plant&before=7");
    EXPECT_EQ(done.status, 200U);
    EXPECT_EQ(control_.asked, "plant 7");
    EXPECT_EQ(nlohmann::json::parse(done.body).at("before"), 7);
    EXPECT_EQ(ask("POST", "/v1/buffer/drop?pipeline=plant&before=11").status, 409U);
    EXPECT_EQ(ask("GET", "/v1/buffer/drop?pipeline=plant&before=7").status, 405U);
    for (const char* query : {"", "?pipeline=a", "?before=7", "?pipeline=a&before=0"}) {
        EXPECT_EQ(ask("POST", std::string("/v1/buffer/drop") + query).status, 400U) << query;
    }
}

TEST_F(Routes, a_time_finds_its_sequence) {
    const Answer found = ask("GET", "/v1/buffer/find?pipeline=plant&time_us=1700000000000000");
    EXPECT_EQ(nlohmann::json::parse(found.body).at("sequence"), 5);
    EXPECT_EQ(control_.asked, "plant 1700000000000000");
    EXPECT_EQ(ask("GET", "/v1/buffer/find?pipeline=plant").status, 400U);
}

TEST_F(Routes, are_all_in_the_manual) {
    std::ifstream in(TRIBUTARY_SOURCE_DIR "/docs/admin-api.md");
    const std::string page{std::istreambuf_iterator<char>(in), {}};
    for (const char* path : {"/metrics",
                             "/healthz",
                             "/readyz",
                             "/v1/status",
                             "/v1/buffer",
                             "/v1/buffer/peek",
                             "/v1/buffer/find",
                             "/v1/buffer/drop",
                             "/v1/events",
                             "/v1/deadletter",
                             "/v1/deadletter/ID/replay",
                             "/v1/snapshot/start",
                             "/v1/snapshot/stop",
                             "/v1/verify"}) {
        EXPECT_NE(page.find("`" + std::string(path) + "`"), std::string::npos) << path;
    }
}

TEST_F(Routes, snapshots_are_started_and_stopped_with_escaped_names_and_conditions) {
    const std::string start = "/v1/snapshot/start?pipeline=plant&table=public.orders";
    EXPECT_EQ(ask("POST", start + "&where=id%20%3E%205%20AND%20v%3D'%C3%A4'").status, 400U)
        << "a quote is escaped too";
    EXPECT_EQ(ask("POST", start + "&where=id%20%3E%205%20AND%20v%3D%27%C3%A4%27").status, 200U);
    EXPECT_EQ(control_.asked, "start plant public.orders id > 5 AND v='\xC3\xA4'");
    EXPECT_EQ(ask("POST", "/v1/snapshot/stop?pipeline=plant").status, 200U);
    EXPECT_EQ(control_.asked, "stop plant ");
    const Answer refused = ask("POST", "/v1/snapshot/stop?pipeline=plant&table=public.unknown");
    EXPECT_EQ(refused.status, 409U);
    EXPECT_EQ(nlohmann::json::parse(refused.body).at("error"), "snapshot_refused");
}

TEST_F(Routes, a_snapshot_needs_its_names_the_socket_and_whole_escapes) {
    const std::string start = "/v1/snapshot/start?pipeline=plant&table=t";
    EXPECT_EQ(ask("POST", start, false).status, 403U);
    EXPECT_EQ(ask("POST", "/v1/snapshot/stop?pipeline=plant", false).status, 403U);
    EXPECT_EQ(ask("GET", start).status, 405U);
    for (const char* query : {"", "?pipeline=plant", "?table=t", "?pipeline=&table=t"}) {
        EXPECT_EQ(ask("POST", std::string("/v1/snapshot/start") + query).status, 400U) << query;
    }
    for (const char* where : {"%", "%2", "%2x", "%00", "%0a", "%7f"}) {
        EXPECT_EQ(ask("POST", start + "&where=" + where).status, 400U) << where;
    }
    EXPECT_EQ(ask("POST", start + "&where=" + std::string(2001, 'a')).status, 400U);
    EXPECT_TRUE(control_.asked.empty());
    EXPECT_EQ(ask("POST", start + "&where=" + std::string(2000, 'a')).status, 200U);
}

TEST_F(Routes, status_says_how_far_a_snapshot_is) {
    const auto object = nlohmann::json::parse(ask("GET", "/v1/status").body);
    const auto& snapshot = object.at("pipelines").at(0).at("snapshot");
    EXPECT_EQ(snapshot.at("state"), "running");
    EXPECT_EQ(snapshot.at("tables_left"), 1);
    EXPECT_EQ(snapshot.at("seconds_left"), 12);
    EXPECT_EQ(snapshot.at("tables").at(0).at("name"), "public.t");
    EXPECT_TRUE(snapshot.at("tables").at(0).at("rows_estimate").is_null());
}

TEST_F(Routes, an_error_keeps_its_name) {
    const Answer verify = ask("POST", "/v1/verify");
    EXPECT_EQ(verify.status, 500U);
    EXPECT_EQ(nlohmann::json::parse(verify.body).at("error"), "entry_corrupt");
    EXPECT_EQ(ask("POST", "/v1/deadletter/6/replay").status, 409U);
}

}  // namespace
}  // namespace tributary::admin
