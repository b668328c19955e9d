// What the facts of a server mean: each check beside the neighbour that it must not refuse.
#include "connectors/postgresql/server/server_checks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "connectors/postgresql/position.h"
#include "model/errors.h"

namespace tributary::postgresql {
namespace {

using testing::HasSubstr;

ServerFacts good_facts() {
    ServerFacts facts;
    facts.version = 150004;
    facts.wal_level = "logical";
    facts.max_slot_wal_keep_bytes = 1 << 30;
    facts.max_replication_slots = 10;
    facts.max_wal_senders = 10;
    facts.database = "plant";
    facts.role.name = "tributary";
    facts.role.replication = true;
    facts.publication =
        PublicationFacts{.inserts = true, .updates = true, .deletes = true, .truncates = true};
    TableFacts table;
    table.schema = "public";
    table.table = "orders";
    table.published = true;
    table.primary_key = true;
    facts.tables = {table};
    return facts;
}

SlotFacts good_slot() {
    SlotFacts slot;
    slot.plugin = "pgoutput";
    slot.type = "logical";
    slot.database = "plant";
    slot.confirmed_flush = Lsn(100);
    slot.wal_status = "reserved";
    return slot;
}

Options good_options() {
    Options options;
    options.connection.dbname = "plant";
    options.slot = "tributary_plant";
    options.publication = "tributary_plant";
    options.tables.include = {R"(public\..*)"};
    return options;
}

TableFilter filter_of(const Options& options) {
    return TableFilter::make(options.tables).value();
}

template <typename T>
void expect_error(const Result<T>& result, const ErrorKind& kind, std::string_view what) {
    ASSERT_TRUE(result.has_error());
    EXPECT_EQ(result.error().kind().name, kind.name);
    EXPECT_THAT(result.error().what(), HasSubstr(std::string(what)));
}

TEST(VerifySettings, takes_13_to_18_with_logical_wal) {
    ServerFacts facts = good_facts();
    for (const int major : {13, 15, 18}) {
        facts.version = major * 10000 + 3;
        EXPECT_TRUE(verify_settings(facts).has_value()) << major;
    }
    for (const int major : {12, 19}) {
        facts.version = major * 10000;
        expect_error(verify_settings(facts), errors::kSourceSettings, std::to_string(major));
    }
    facts = good_facts();
    facts.wal_level = "replica";
    expect_error(verify_settings(facts), errors::kSourceSettings, "wal_level is replica");
}

TEST(VerifySettings, a_standby_decodes_since_16) {
    ServerFacts facts = good_facts();
    facts.in_recovery = true;
    expect_error(verify_settings(facts), errors::kSourceSettings, "standby");
    facts.version = 160000;
    EXPECT_TRUE(verify_settings(facts).has_value());
}

TEST(VerifyPublication, must_exist_and_publish_all_four_operations) {
    const Options options = good_options();
    ServerFacts facts = good_facts();
    EXPECT_TRUE(verify_publication(facts, options, filter_of(options), true).has_value());
    facts.publication->updates = false;
    facts.publication->truncates = false;
    expect_error(verify_publication(facts, options, filter_of(options), false),
                 errors::kPublicationUnsuitable,
                 "does not publish update, truncate");
    facts.publication.reset();
    expect_error(verify_publication(facts, options, filter_of(options), false),
                 errors::kPublicationMissing,
                 "does not exist in database \"plant\"");
}

TEST(VerifyPublication, a_fresh_pipeline_needs_every_selected_table_a_running_one_one_of_each) {
    const Options options = good_options();
    ServerFacts facts = good_facts();
    facts.tables.push_back(facts.tables[0]);
    facts.tables[1].table = "later";
    facts.tables[1].published = false;
    expect_error(verify_publication(facts, options, filter_of(options), true),
                 errors::kPublicationUnsuitable,
                 "public.later");
    EXPECT_TRUE(verify_publication(facts, options, filter_of(options), false).has_value());
    facts.tables[0].published = false;
    expect_error(verify_publication(facts, options, filter_of(options), false),
                 errors::kPublicationUnsuitable,
                 "contains no table");
    Options everything = options;
    everything.tables.include.clear();
    EXPECT_TRUE(verify_publication(facts, everything, filter_of(everything), true).has_value());
}

TEST(VerifyPublication, an_expression_without_a_table_is_refused_unless_all_tables_are_published) {
    Options options = good_options();
    options.tables.include.emplace_back(R"(public\.tomorrow)");
    ServerFacts facts = good_facts();
    expect_error(verify_publication(facts, options, filter_of(options), true),
                 errors::kPublicationUnsuitable,
                 "tomorrow");
    facts.publication->all_tables = true;
    EXPECT_TRUE(verify_publication(facts, options, filter_of(options), true).has_value());
}

TEST(VerifyPublication, partitions_speak_for_themselves_unless_published_via_the_root) {
    Options options = good_options();
    options.tables.include = {R"(public\.m.*)"};
    ServerFacts facts = good_facts();
    TableFacts root = facts.tables[0];
    root.table = "m";
    root.partitioned = true;
    root.published = false;
    TableFacts part = facts.tables[0];
    part.table = "m_1";
    part.partition = true;
    part.published = true;
    facts.tables = {root, part};
    EXPECT_TRUE(selected_tables(facts, filter_of(options), false).empty());
    facts.publication->via_root = true;
    EXPECT_EQ(selected_tables(facts, filter_of(options), false),
              std::vector<std::string>{"public.m"});
}

TEST(CreatePublication, names_what_is_selected_quoted) {
    Options options = good_options();
    ServerFacts facts = good_facts();
    facts.publication.reset();
    facts.tables[0].table = "Or\"ders";
    EXPECT_EQ(create_publication_sql(facts, options, filter_of(options)).value(),
              R"(CREATE PUBLICATION "tributary_plant" FOR TABLE "public"."Or""ders")");
    facts.in_recovery = true;
    expect_error(create_publication_sql(facts, options, filter_of(options)),
                 errors::kSourceSettings,
                 "run CREATE PUBLICATION \"tributary_plant\" FOR TABLE");
    facts.in_recovery = false;
    options.tables.include = {R"(other\..*)"};
    expect_error(create_publication_sql(facts, options, filter_of(options)),
                 errors::kPublicationUnsuitable,
                 "no table");
    options.tables.include.clear();
    EXPECT_EQ(create_publication_sql(facts, options, filter_of(options)).value(),
              R"(CREATE PUBLICATION "tributary_plant" FOR ALL TABLES)");
}

TEST(VerifySlot, takes_a_slot_of_ours_that_can_serve_the_position) {
    const Options options = good_options();
    SlotFacts slot = good_slot();
    EXPECT_TRUE(verify_slot(slot, options, std::nullopt).has_value());
    EXPECT_TRUE(verify_slot(slot, options, Lsn(100)).has_value());
    expect_error(verify_slot(slot, options, Lsn(99)), errors::kSourceGap, "ahead of our position");
    slot.wal_status = "unreserved";
    EXPECT_TRUE(verify_slot(slot, options, std::nullopt).has_value());
    slot.wal_status = "lost";
    expect_error(verify_slot(slot, options, std::nullopt), errors::kSlotLost, "lost");
    slot.invalidation = "idle_timeout";
    expect_error(verify_slot(slot, options, std::nullopt), errors::kSlotLost, "idle_timeout");
}

TEST(VerifySlot, refuses_slots_that_are_not_ours_or_not_free) {
    const Options options = good_options();
    SlotFacts slot = good_slot();
    slot.plugin = "wal2json";
    expect_error(verify_slot(slot, options, {}), errors::kSlotForeign, "logical for wal2json");
    slot = good_slot();
    slot.type = "physical";
    slot.plugin = "";
    expect_error(verify_slot(slot, options, {}), errors::kSlotForeign, "is physical, not");
    slot = good_slot();
    slot.database = "other";
    expect_error(verify_slot(slot, options, {}), errors::kSlotForeign, "\"other\"");
    slot = good_slot();
    slot.active = true;
    slot.active_pid = 77;
    expect_error(verify_slot(slot, options, {}), errors::kSlotInUse, "process 77");
    slot = good_slot();
    slot.confirmed_flush.reset();
    expect_error(verify_slot(slot, options, {}), errors::kSlotInUse, "being created");
}

TEST(VerifySystem, is_the_same_cluster_that_has_written_up_to_our_position) {
    const SystemFacts system{.system_id = "71", .timeline = 2, .flushed = Lsn(100)};
    EXPECT_TRUE(verify_system(system, {}, std::nullopt).has_value());
    EXPECT_TRUE(verify_system(system, {.system_id = "71", .timeline = 1}, Lsn(100)).has_value());
    expect_error(verify_system(system, {.system_id = "72"}, Lsn(1)), errors::kSourceDiverged, "72");
    expect_error(
        verify_system(system, {.system_id = "71"}, Lsn(101)), errors::kSourceRewound, "0/65");
    expect_error(verify_system(system, {.system_id = "71", .timeline = 3}, Lsn(1)),
                 errors::kSourceDiverged,
                 "older one than 3");
}

TEST(TimelineEnd, reads_a_history_file) {
    constexpr std::string_view kHistory =
        "1\t0/3000148\tno recovery target specified\n"
        "\n"
        "# comment\n"
        "  2\t0/5000000\tbefore 2026-01-01 00:00:00+00\r\n"
        "12\t1/0\n"
        "13\tgarbage\n";
    EXPECT_EQ(timeline_end(kHistory, 1), Lsn(0x3000148));
    EXPECT_EQ(timeline_end(kHistory, 2), Lsn(0x5000000));
    EXPECT_EQ(timeline_end(kHistory, 12), Lsn(0x100000000));
    EXPECT_EQ(timeline_end(kHistory, 13), std::nullopt);
    EXPECT_EQ(timeline_end(kHistory, 3), std::nullopt);
    EXPECT_EQ(timeline_end("", 1), std::nullopt);
    EXPECT_EQ(timeline_end("1", 1), std::nullopt);
    EXPECT_EQ(timeline_end("99999999999\t0/1\n", 1), std::nullopt);
}

TEST(HeldBelow, is_the_resume_position_or_the_end_of_what_is_there_of_a_transaction) {
    EXPECT_EQ(held_below({}), std::nullopt);
    EXPECT_EQ(held_below({encode_resume(Lsn(100)), {}}), Lsn(100));
    EXPECT_EQ(held_below({encode_resume(Lsn(100)), encode_done(done_below(Lsn(100)))}), Lsn(100));
    EXPECT_EQ(held_below({encode_resume(Lsn(100)), encode_done({Lsn(90), kWholeTransaction})}),
              Lsn(100));
    // Three rows of a transaction whose commit record is at 150 are in the log.
    EXPECT_EQ(held_below({encode_resume(Lsn(100)), encode_done({Lsn(150), 2})}), Lsn(151));
}

TEST(NeededFrom, is_the_resume_position_or_the_commit_of_what_was_begun) {
    EXPECT_EQ(needed_from({}), std::nullopt);
    EXPECT_EQ(needed_from({encode_resume(Lsn(100)), encode_done({Lsn(150), 2})}), Lsn(100));
    // The pipeline's first transaction is half there: a slot past it would not send the rest.
    EXPECT_EQ(needed_from({{}, encode_done({Lsn(150), 2})}), Lsn(150));
}

TEST(VerifyTimeline, refuses_a_history_that_left_ours_below_what_is_held) {
    constexpr std::string_view kHistory = "1\t0/100\tno recovery target specified\n";
    EXPECT_TRUE(verify_timeline(kHistory, 1, Lsn(0x100)).has_value());
    expect_error(verify_timeline(kHistory, 1, Lsn(0x101)), errors::kSourceDiverged, "0/100");
    expect_error(verify_timeline(kHistory, 2, Lsn(0x1)), errors::kSourceDiverged, "unknown");
    expect_error(verify_timeline("", 1, Lsn(0x1)), errors::kSourceDiverged, "unknown");
}

class OneSideValue final : public SideReader {
  public:
    explicit OneSideValue(std::optional<std::string> value) : value_(std::move(value)) {}
    Result<std::optional<std::string>> get(std::string_view key) const override {
        return key == kTimelineKey ? value_ : std::nullopt;
    }
    Result<std::vector<SideEntry>> scan(std::string_view /*prefix*/,
                                        std::string_view /*after*/,
                                        std::size_t /*limit*/) const override {
        return std::vector<SideEntry>();
    }

  private:
    std::optional<std::string> value_;
};

TEST(StoredTimeline, is_what_the_log_says_or_not_known) {
    EXPECT_EQ(stored_timeline(OneSideValue("7")).value(), 7U);
    EXPECT_EQ(stored_timeline(OneSideValue(std::nullopt)).value(), 0U);
    EXPECT_TRUE(stored_timeline(OneSideValue("7x")).has_error());
    EXPECT_TRUE(stored_timeline(OneSideValue("")).has_error());
}

// The findings that are not ok, "error subject".
std::vector<std::string> complaints(const ServerFacts& facts, const Options& options) {
    std::vector<std::string> out;
    for (const Finding& finding : judge(facts, options, filter_of(options))) {
        EXPECT_EQ(finding.remedy.empty(), finding.severity == Severity::ok) << finding.subject;
        if (finding.severity != Severity::ok) {
            out.push_back((finding.severity == Severity::error ? "error " : "warning ") +
                          finding.subject);
        }
    }
    return out;
}

using Lines = std::vector<std::string>;

TEST(Judge, has_nothing_against_a_good_server) {
    EXPECT_EQ(complaints(good_facts(), good_options()), Lines{});
    ServerFacts facts = good_facts();
    facts.slot = good_slot();
    EXPECT_EQ(complaints(facts, good_options()), Lines{});
}

template <typename Change>
Lines after(Change change) {
    ServerFacts facts = good_facts();
    Options options = good_options();
    change(facts, options);
    return complaints(facts, options);
}

TEST(Judge, names_what_a_promoted_standby_would_lack_where_that_is_asked_for) {
    const auto ready = [](auto& f, auto& o) {
        f.version = 170006;
        f.synchronized_standby_slots = "standby";
        f.slot = good_slot();
        f.slot->failover = true;
        o.failover_slot = true;
    };
    const auto after_ready = [&](auto change) {
        return after([&](auto& f, auto& o) {
            ready(f, o);
            change(f, o);
        });
    };
    EXPECT_EQ(after(ready), Lines{});
    EXPECT_EQ(after_ready([](auto& f, auto&) { f.version = 160010; }),
              Lines{"error failover_slot"});
    EXPECT_EQ(after_ready([](auto& f, auto&) { f.slot->failover = false; }),
              Lines{"warning failover_slot"});
    EXPECT_EQ(after_ready([](auto& f, auto&) { f.synchronized_standby_slots.clear(); }),
              Lines{"warning synchronized_standby_slots"});
    EXPECT_EQ(after_ready([](auto& f, auto& o) {
                  f.synchronized_standby_slots.clear();
                  o.failover_slot = false;
              }),
              Lines{});
}

TEST(Judge, names_a_chosen_key_that_old_rows_lack_and_one_that_is_nowhere) {
    const auto chosen = [](bool in_old_rows) {
        return [=](auto& f, auto& o) {
            f.tables[0].columns = {{"id", true, true}, {"tenant", in_old_rows, false}};
            o.tables.key_columns = {".*\\.tenant"};
        };
    };
    EXPECT_EQ(after(chosen(true)), Lines{});
    EXPECT_THAT(after(chosen(false)), testing::ElementsAre(testing::StartsWith("error table ")));
    EXPECT_EQ(after([&](auto& f, auto& o) {
                  chosen(true)(f, o);
                  o.tables.key_columns = {".*\\.Tenant"};
              }),
              Lines{"warning tables.key_columns"});
}

TEST(Judge, names_a_column_of_the_key_that_is_left_out) {
    const auto leaving_out = [](const char* expression) {
        return [=](auto& f, auto& o) {
            f.tables[0].columns = {{"id", true, true}, {"secret", true, false}};
            o.tables.exclude_columns = {expression};
        };
    };
    EXPECT_EQ(after(leaving_out(".*\\.secret")), Lines{});
    EXPECT_THAT(after(leaving_out(".*\\.id")),
                testing::ElementsAre(testing::StartsWith("error table ")));
}

TEST(Judge, names_the_schema_of_a_keys_type_that_a_snapshot_may_not_use) {
    const auto hidden = [](auto& f, auto& o) {
        f.tables[0].hidden_schemas = "ext";
        o.snapshot = SnapshotMode::initial;
    };
    EXPECT_EQ(after(hidden).size(), 1U);
    EXPECT_THAT(after(hidden).at(0), testing::StartsWith("error table "));
    EXPECT_EQ(after([&](auto& f, auto& o) {
                  hidden(f, o);
                  o.snapshot = SnapshotMode::no_data;
              }),
              Lines{});
}

TEST(Judge, names_each_thing_that_is_wrong_and_only_that) {
    EXPECT_EQ(after([](auto& f, auto&) { f.idle_slot_timeout = "5min"; }),
              Lines{"warning idle_replication_slot_timeout"});
    EXPECT_EQ(after([](auto& f, auto&) { f.version = 120001; }), Lines{"error version"});
    EXPECT_EQ(after([](auto& f, auto&) { f.wal_level = "minimal"; }), Lines{"error wal_level"});
    EXPECT_EQ(after([](auto& f, auto&) { f.in_recovery = true; }), Lines{"error recovery"});
    EXPECT_EQ(after([](auto& f, auto&) { f.max_slot_wal_keep_bytes = -1; }),
              Lines{"warning max_slot_wal_keep_size"});
    EXPECT_EQ(after([](auto& f, auto&) { f.wal_sender_timeout_ms = 0; }),
              Lines{"warning wal_sender_timeout"});
    EXPECT_EQ(after([](auto& f, auto&) { f.replication_slots = 10; }),
              Lines{"error max_replication_slots"});
    EXPECT_EQ(after([](auto& f, auto&) {
                  f.replication_slots = 10;
                  f.slot = good_slot();
              }),
              Lines{});
    EXPECT_EQ(after([](auto& f, auto&) { f.publication.reset(); }),
              Lines{"error publication tributary_plant"});
    EXPECT_EQ(after([](auto& f, auto&) { f.publication->deletes = false; }),
              Lines{"error publication tributary_plant"});
    EXPECT_EQ(after([](auto& f, auto&) { f.tables[0].published = false; }),
              Lines{"error publication tributary_plant"});
    EXPECT_EQ(after([](auto&, auto& o) { o.create_slot = false; }),
              Lines{"error slot tributary_plant"});
}

TEST(Judge, names_missing_and_excess_rights) {
    EXPECT_EQ(after([](auto& f, auto&) { f.role.replication = false; }),
              Lines{"error right REPLICATION"});
    EXPECT_EQ(after([](auto& f, auto&) {
                  f.role.superuser = true;
                  f.role.create_db = true;
                  f.role.create_role = true;
                  f.role.bypass_rls = true;
              }),
              (Lines{"warning excess right SUPERUSER",
                     "warning excess right CREATEDB",
                     "warning excess right CREATEROLE",
                     "warning excess right BYPASSRLS"}));
}

TEST(Judge, names_tables_without_identity_and_with_row_filters) {
    const auto with = [](char identity, bool key) {
        return after([identity, key](auto& f, auto&) {
            f.tables[0].replica_identity = identity;
            f.tables[0].primary_key = key;
        });
    };
    EXPECT_EQ(with('d', true), Lines{});
    EXPECT_EQ(with('d', false), Lines{"warning table public.orders"});
    EXPECT_EQ(with('n', true), Lines{"warning table public.orders"});
    EXPECT_EQ(with('f', false), Lines{});
    EXPECT_EQ(with('i', false), Lines{});
    EXPECT_EQ(after([](auto& f, auto&) { f.tables[0].row_filter = true; }),
              Lines{"warning table public.orders"});
    EXPECT_EQ(after([](auto& f, auto& o) {
                  f.tables[0].row_filter = true;
                  o.tables.include.clear();
                  o.tables.exclude = {".*"};
              }),
              Lines{});
}

TEST(Judge, names_tables_that_a_snapshot_could_not_read) {
    const auto unreadable = [](SnapshotMode mode, bool slot) {
        return after([=](auto& f, auto& o) {
            f.tables[0].readable = false;
            o.snapshot = mode;
            if (slot) {
                f.slot = good_slot();
            }
        });
    };
    const Lines error{"error table public.orders"};
    const Lines warning{"warning table public.orders"};
    EXPECT_EQ(unreadable(SnapshotMode::no_data, false), Lines{});
    for (const auto mode :
         {SnapshotMode::initial, SnapshotMode::initial_only, SnapshotMode::when_needed}) {
        EXPECT_EQ(unreadable(mode, false), error);
        EXPECT_EQ(unreadable(mode, true), warning) << "the pipeline has begun";
    }
    EXPECT_EQ(unreadable(SnapshotMode::always, true), error);
}

TEST(Judge, names_tables_of_which_row_security_hides_rows_from_a_snapshot) {
    const auto secured = [](SnapshotMode mode, bool bypass) {
        return after([=](auto& f, auto& o) {
            f.tables[0].row_security = true;
            f.role.bypass_rls = bypass;
            o.snapshot = mode;
        });
    };
    EXPECT_EQ(secured(SnapshotMode::initial, false), Lines{"error table public.orders"});
    EXPECT_EQ(secured(SnapshotMode::initial, true), Lines{}) << "it needs BYPASSRLS";
    EXPECT_EQ(secured(SnapshotMode::no_data, false), Lines{});
    EXPECT_EQ(secured(SnapshotMode::no_data, true), Lines{"warning excess right BYPASSRLS"});

    ServerFacts facts = good_facts();
    facts.tables[0].row_security = true;
    const auto filter = filter_of(good_options());
    expect_error(snapshot_tables(facts, filter),
                 errors::kSourceRights,
                 "of public.orders, of which row security hides some from role \"tributary\": "
                 "ALTER ROLE \"tributary\" BYPASSRLS;");
    expect_error(
        find_snapshot_table(facts, filter, "public.orders"), errors::kSourceRights, "BYPASSRLS");
    facts.role.bypass_rls = true;
    EXPECT_TRUE(snapshot_tables(facts, filter));
    EXPECT_TRUE(find_snapshot_table(facts, filter, "public.orders"));
    facts.tables[0].hidden_schemas = "ext";
    expect_error(snapshot_tables(facts, filter),
                 errors::kSourceRights,
                 "keys of public.orders, whose type is in a schema that role \"tributary\" may not "
                 "use: GRANT USAGE ON SCHEMA ext TO \"tributary\";");
}

TEST(Judge, a_publication_that_the_agent_makes_is_an_error_only_where_it_may_not) {
    const auto creating = [](auto change) {
        return after([&](auto& f, auto& o) {
            f.publication.reset();
            f.tables[0].published = false;
            o.create_publication = true;
            change(f, o);
        });
    };
    const Lines error{"error publication tributary_plant"};
    EXPECT_EQ(creating([](auto&, auto&) {}), Lines{});
    EXPECT_EQ(creating([](auto& f, auto&) { f.slot = good_slot(); }), error);
    EXPECT_EQ(creating([](auto& f, auto&) { f.role.may_create = false; }), error);
    EXPECT_EQ(creating([](auto& f, auto&) { f.tables[0].owned = false; }), error);
    EXPECT_EQ(creating([](auto&, auto& o) { o.tables.include = {"public\\.none"}; }), error);
    EXPECT_EQ(creating([](auto&, auto& o) { o.tables.include.clear(); }), error);
    EXPECT_EQ(creating([](auto& f, auto&) {
                  f.version = 160000;
                  f.in_recovery = true;
              }),
              error);
    EXPECT_EQ(creating([](auto& f, auto& o) {
                  f.tables[0].readable = false;
                  o.snapshot = SnapshotMode::initial;
              }),
              Lines{"error table public.orders"});
}

TEST(Judge, a_root_whose_partitions_are_published_is_added_by_publishing_via_it) {
    ServerFacts facts = good_facts();
    TableFacts part = facts.tables[0];
    part.table = "part_1";
    part.partition = true;
    TableFacts root = facts.tables[0];
    root.table = "part";
    root.partitioned = true;
    root.published = false;
    root.parts_published = true;
    facts.tables = {root, part};
    Options options = good_options();
    options.tables.include = {"public\\.part"};
    const auto remedies = [&] {
        std::string all;
        for (const Finding& finding : judge(facts, options, filter_of(options))) {
            all += finding.remedy;
        }
        return all;
    };
    EXPECT_THAT(remedies(),
                testing::StartsWith("ALTER PUBLICATION \"tributary_plant\" SET "
                                    "(publish_via_partition_root = true);"));
    options.tables.include = {"public\\.part.*"};
    EXPECT_EQ(remedies(), "") << "the partition is selected";
    options.tables.include = {"public\\.part"};
    facts.publication->via_root = true;
    facts.tables[0].published = true;
    facts.tables[1].published = false;
    EXPECT_EQ(remedies(), "");
}

TEST(FindSnapshotTable, takes_the_names_under_which_the_stream_has_events) {
    ServerFacts facts = good_facts();
    facts.tables[0].rows_estimate = 7;
    TableFacts other = facts.tables[0];
    const auto add = [&](const char* name) -> TableFacts& {
        other.table = name;
        return facts.tables.emplace_back(other);
    };
    add("unpublished").published = false;
    add("hidden").readable = false;
    add("keyed").hidden_schemas = "ext";
    add("root").partitioned = true;
    add("part").partition = true;
    const Options options = good_options();
    const auto error = [&](const std::string& name) {
        const auto found = find_snapshot_table(facts, filter_of(options), name);
        return found ? std::string() : std::string(found.error().kind().name);
    };
    const auto found = find_snapshot_table(facts, filter_of(options), "public.orders");
    ASSERT_TRUE(found);
    EXPECT_EQ(found.value().name, (TableName{"public", "orders"}));
    EXPECT_EQ(found.value().rows_estimate, 7U);
    for (const char* name : {"", "orders", "public.order", "Public.orders", "public.unpublished"}) {
        EXPECT_EQ(error(name), "snapshot_refused") << name;
    }
    EXPECT_EQ(error("public.hidden"), "source_rights");
    EXPECT_EQ(error("public.keyed"), "source_rights");
    EXPECT_EQ(error("public.part"), "");
    EXPECT_EQ(error("public.root"), "snapshot_refused");
    facts.publication->via_root = true;
    EXPECT_EQ(error("public.part"), "snapshot_refused");
    EXPECT_EQ(error("public.root"), "");
    Options narrow = options;
    narrow.tables.exclude = {R"(public\.orders)"};
    EXPECT_FALSE(find_snapshot_table(facts, filter_of(narrow), "public.orders"));
}

TEST(Judge, a_slot_in_use_is_a_warning_a_foreign_one_an_error) {
    EXPECT_EQ(after([](auto& f, auto&) {
                  f.slot = good_slot();
                  f.slot->active = true;
              }),
              Lines{"warning slot tributary_plant"});
    EXPECT_EQ(after([](auto& f, auto&) {
                  f.slot = good_slot();
                  f.slot->plugin = "test_decoding";
              }),
              Lines{"error slot tributary_plant"});
}

}  // namespace
}  // namespace tributary::postgresql
