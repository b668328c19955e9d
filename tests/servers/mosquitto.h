// A private mosquitto broker for tests and the quickstart, on loopback: one plain port, and one
// with TLS when asked for. Persistent with the settings that lose nothing of its own accord
// (autosave on every change is not one of them: a kill -9 may take what it has not written).
// Threads: an object belongs to one thread, and that thread must outlive the broker (process.h).
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/servers/places.h"
#include "tests/servers/process.h"

namespace tributary::servers {

struct MosquittoOptions {
    std::filesystem::path directory = {};  // created; mosquitto.conf, data/, mosquitto.log
    // Name and password; empty: anyone may do anything.
    std::vector<std::pair<std::string, std::string>> users = {};
    bool tls = false;                        // a second port; certificates of its own authority
    bool client_certificates = false;        // the TLS port wants one
    std::vector<std::string> settings = {};  // further lines of mosquitto.conf
};

class Mosquitto {
  public:
    static constexpr std::chrono::seconds kStartLimit{30};
    static constexpr std::chrono::seconds kStopLimit{30};

    explicit Mosquitto(MosquittoOptions options);
    ~Mosquitto();
    Mosquitto(const Mosquitto&) = delete;
    Mosquitto& operator=(const Mosquitto&) = delete;

    void start();  // same folder, same ports
    void stop();   // SIGTERM: it writes its sessions down
    void kill9() { process_.kill(); }
    void restart() {
        stop();
        start();
    }
    void freeze() { process_.freeze(); }
    void thaw() { process_.thaw(); }
    // Forgets every session and message; the broker must be stopped.
    void forget();
    // Writes its sessions down now, as an operator's SIGUSR1 does.
    void save();
    [[nodiscard]] bool running() { return process_.running(); }

    [[nodiscard]] std::uint16_t port() const noexcept { return port_.port(); }
    [[nodiscard]] std::uint16_t tls_port() const noexcept { return tls_port_.port(); }
    [[nodiscard]] std::string url() const { return "mqtt://127.0.0.1:" + std::to_string(port()); }
    [[nodiscard]] std::string tls_url() const {
        return "mqtts://127.0.0.1:" + std::to_string(tls_port());
    }
    [[nodiscard]] std::filesystem::path log_file() const {
        return options_.directory / "mosquitto.log";
    }
    [[nodiscard]] pid_t pid() const noexcept { return process_.pid(); }

  private:
    void write_settings() const;
    [[nodiscard]] bool answers_as_ours();

    MosquittoOptions options_;
    PortLease port_;
    PortLease tls_port_;
    Process process_;
};

// A certificate authority in a folder, by the openssl command: ca.crt, and server.{crt,key} (for
// 127.0.0.1 and localhost), and client.{crt,key} with `client_name` as its common name.
void make_certificates(const std::filesystem::path& folder,
                       const std::string& client_name = "press-1");

}  // namespace tributary::servers
