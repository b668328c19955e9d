// See mosquitto.h. Settings: mosquitto.conf(5) of 2.0.
#include "tests/servers/mosquitto.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <sstream>

#include "base/unique_fd.h"
#include "tests/servers/failure.h"

namespace tributary::servers {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;

void write_for_service(const fs::path& path, const std::string& text) {
    std::ofstream file(path, std::ios::trunc);
    file << text;
    file.close();
    if (!file) {
        throw ServerFailure("cannot write " + path.string());
    }
    fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write);
    give_to_service_user(path);
}

void openssl(const fs::path& folder, const std::vector<std::string>& arguments) {
    std::vector<std::string> command{"openssl"};
    command.insert(command.end(), arguments.begin(), arguments.end());
    run_to_end(
        {.command = command, .working_directory = folder, .output_file = folder / "openssl.log"},
        seconds(60));
}

void sign(const fs::path& folder,
          const std::string& name,
          const std::string& subject,
          const std::string& extensions) {
    std::ofstream(folder / (name + ".ext")) << extensions;
    openssl(folder,
            {"req",
             "-newkey",
             "rsa:2048",
             "-nodes",
             "-keyout",
             name + ".key",
             "-out",
             name + ".csr",
             "-subj",
             subject});
    openssl(folder,
            {"x509",
             "-req",
             "-in",
             name + ".csr",
             "-CA",
             "ca.crt",
             "-CAkey",
             "ca.key",
             "-CAcreateserial",
             "-days",
             "30",
             "-out",
             name + ".crt",
             "-extfile",
             name + ".ext"});
}

std::string read_all(const fs::path& file) {
    std::ifstream in(file);
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
}

}  // namespace

void make_certificates(const fs::path& folder, const std::string& client_name) {
    if (fs::exists(folder / "client.crt")) {
        return;
    }
    fs::create_directories(folder);
    openssl(folder,
            {"req",
             "-x509",
             "-newkey",
             "rsa:2048",
             "-nodes",
             "-keyout",
             "ca.key",
             "-out",
             "ca.crt",
             "-days",
             "30",
             "-subj",
             "/CN=test authority"});
    sign(folder, "server", "/CN=localhost", "subjectAltName=IP:127.0.0.1,DNS:localhost\n");
    sign(folder, "client", "/CN=" + client_name, "extendedKeyUsage=clientAuth\n");
    for (const char* file : {"ca.crt", "server.crt", "server.key"}) {
        give_to_service_user(folder / file);
    }
}

Mosquitto::Mosquitto(MosquittoOptions options) : options_(std::move(options)) {
    fs::create_directories(options_.directory / "data");
    options_.directory = fs::canonical(options_.directory);
    give_to_service_user(options_.directory);
    give_to_service_user(options_.directory / "data");
    if (options_.tls) {
        make_certificates(options_.directory / "certificates");
    }
    write_settings();
    start();
}

Mosquitto::~Mosquitto() {
    process_.kill();
}

void Mosquitto::write_settings() const {
    std::ostringstream out;
    out << "per_listener_settings false\n"
        << "persistence true\npersistence_location " << (options_.directory / "data").string()
        << "/\nautosave_interval 1\nautosave_on_changes false\n"
        << "max_queued_messages 0\nmax_inflight_messages 0\nset_tcp_nodelay true\n"
        << "log_dest file " << log_file().string() << "\nlog_type error\nlog_type warning\n"
        << "log_type notice\nlog_timestamp_format %Y-%m-%dT%H:%M:%S\n";
    if (options_.users.empty()) {
        out << "allow_anonymous true\n";
    } else {
        const fs::path passwords = options_.directory / "passwords";
        write_for_service(passwords, "");
        for (const auto& [name, password] : options_.users) {
            run_to_end({.command = {"mosquitto_passwd", "-b", passwords.string(), name, password},
                        .output_file = options_.directory / "passwd.log"},
                       seconds(20));
        }
        give_to_service_user(passwords);
        out << "allow_anonymous false\npassword_file " << passwords.string() << "\n";
    }
    for (const std::string& line : options_.settings) {
        out << line << "\n";
    }
    out << "listener " << port() << " 127.0.0.1\n";
    if (options_.tls) {
        const std::string folder = (options_.directory / "certificates").string();
        out << "listener " << tls_port() << " 127.0.0.1\ncafile " << folder << "/ca.crt\ncertfile "
            << folder << "/server.crt\nkeyfile " << folder << "/server.key\n";
        if (options_.client_certificates) {
            out << "require_certificate true\nuse_identity_as_username true\n";
        }
    }
    write_for_service(options_.directory / "mosquitto.conf", out.str());
}

void Mosquitto::start() {
    process_ = Process::spawn(
        {.command = {"/usr/sbin/mosquitto", "-c", (options_.directory / "mosquitto.conf").string()},
         .working_directory = options_.directory,
         .output_file = options_.directory / "mosquitto.out",
         .user = service_user()});
    const bool ready =
        poll_until(kStartLimit, [this] { return !process_.running() || answers_as_ours(); });
    if (!ready || !process_.running()) {
        throw ServerFailure("mosquitto did not start; it says:\n" +
                            tail_of_file(options_.directory / "mosquitto.out") +
                            tail_of_file(log_file()));
    }
}

// The port is leased and was free: who listens on it now is our process, if it still runs.
bool Mosquitto::answers_as_ours() {
    const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port());
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    return ::connect(fd.get(), generic, sizeof address) == 0 && process_.running();
}

void Mosquitto::stop() {
    process_.signal(SIGTERM);
    if (process_.pid() > 0 && !process_.wait(kStopLimit)) {
        throw ServerFailure("mosquitto still runs after it was asked to stop");
    }
}

void Mosquitto::forget() {
    fs::remove_all(options_.directory / "data");
    fs::create_directories(options_.directory / "data");
    give_to_service_user(options_.directory / "data");
}

void Mosquitto::save() {
    const fs::path store = options_.directory / "data" / "mosquitto.db";
    const std::string before = read_all(store);
    process_.signal(SIGUSR1);
    if (!poll_until(kStopLimit, [&] { return read_all(store) != before; })) {
        throw ServerFailure("mosquitto wrote nothing down");
    }
}

}  // namespace tributary::servers
