// What the tests of the PostgreSQL source share: a server of their own, and a source on it. One
// thread.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "connectors/postgresql/postgresql.h"
#include "tests/integration/source_rig.h"
#include "tests/servers/places.h"
#include "tests/servers/postgres.h"

namespace tributary::postgresql::testing {

using rig::KeptObserver;
using rig::RealClock;
using rig::Taken;
using rig::Texts;
using Settings = std::vector<std::pair<std::string, std::string>>;

// A server for one test or one suite: database `plant`, role `tributary` with REPLICATION and a
// password.
class Server {
  public:
    explicit Server(Settings settings = {});

    servers::SqlRows sql(const std::string& text) { return postgres->sql(text, "plant"); }
    // Over TCP, as role tributary, without TLS.
    [[nodiscard]] Options options(const std::string& slot) const;

    servers::TemporaryDirectory directory{"tributary-pgio"};
    std::unique_ptr<servers::Postgres> postgres;
};

class Pipeline : public rig::SourceRig {
  public:
    explicit Pipeline(Options options, std::size_t pending_bytes_max = 64U << 20U);

    Options options;
};

}  // namespace tributary::postgresql::testing
