// What the tests of the MySQL source share: a server of their own, and a source on it. One thread.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "connectors/mysql/mysql.h"
#include "tests/integration/source_rig.h"
#include "tests/servers/mysqld.h"
#include "tests/servers/places.h"

namespace tributary::mysql::testing {

using rig::KeptObserver;
using rig::RealClock;
using rig::Taken;
using rig::Texts;
using Settings = std::vector<std::pair<std::string, std::string>>;

// A server for one test or one suite: database `plant`, account `tributary` with what it needs.
class Server {
  public:
    // `program_name`: MysqldOptions has it.
    explicit Server(servers::MysqldKind kind,
                    Settings settings = {},
                    const std::filesystem::path& program_name = {});

    servers::SqlRows sql(const std::string& text) { return mysqld->sql(text, "plant"); }
    // Over TCP, as tributary, without TLS.
    [[nodiscard]] Options options() const;

    servers::TemporaryDirectory directory{"tributary-myio"};
    std::unique_ptr<servers::Mysqld> mysqld;
};

class Pipeline : public rig::SourceRig {
  public:
    explicit Pipeline(Options options, std::size_t pending_bytes_max = 64U << 20U);

    Options options;
};

}  // namespace tributary::mysql::testing
