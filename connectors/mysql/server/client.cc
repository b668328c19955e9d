#include "connectors/mysql/server/client.h"

#include "base/assert.h"
#include "connectors/mysql/server/server_error.h"
#include "model/errors.h"

namespace tributary::mysql {
namespace {

void set_text(MYSQL* handle, mysql_option option, const std::string& value) {
    if (!value.empty()) {
        [[maybe_unused]] const int ignored = mysql_optionsv(handle, option, value.c_str());
    }
}

void set_flag(MYSQL* handle, mysql_option option, bool on) {
    const my_bool value = on ? 1 : 0;
    [[maybe_unused]] const int ignored = mysql_optionsv(handle, option, &value);
}

void set_tls(MYSQL* handle, const Connection& options) {
    const bool on = options.sslmode != Tls::disable && !options.unix_socket();
    set_flag(handle, MYSQL_OPT_SSL_ENFORCE, on);
    set_flag(handle, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, on && options.sslmode == Tls::verify_full);
    if (on) {
        set_text(handle, MYSQL_OPT_SSL_CA, options.sslrootcert);
        set_text(handle, MYSQL_OPT_SSL_CERT, options.sslcert);
        set_text(handle, MYSQL_OPT_SSL_KEY, options.sslkey);
        set_text(handle, MARIADB_OPT_TLS_VERSION, "TLSv1.2,TLSv1.3");
    }
}

}  // namespace

std::string address_of(const Connection& options) {
    return options.unix_socket() ? options.host : options.host + ":" + std::to_string(options.port);
}

Result<Client> Client::open(const Connection& options) {
    Client client(mysql_init(nullptr));
    MYSQL* handle = client.get();
    TRIBUTARY_ASSERT(handle != nullptr);
    const unsigned timeout_s = options.connect_timeout_s;
    const unsigned no_local_infile = 0;
    for (const mysql_option option :
         {MYSQL_OPT_CONNECT_TIMEOUT, MYSQL_OPT_READ_TIMEOUT, MYSQL_OPT_WRITE_TIMEOUT}) {
        [[maybe_unused]] const int ignored = mysql_optionsv(handle, option, &timeout_s);
    }
    // A server may ask its client for any file otherwise.
    [[maybe_unused]] const int off =
        mysql_optionsv(handle, MYSQL_OPT_LOCAL_INFILE, &no_local_infile);
    set_flag(handle, MYSQL_OPT_RECONNECT, false);
    set_text(handle, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    set_tls(handle, options);
    const bool local = options.unix_socket();
    if (mysql_real_connect(handle,
                           local ? nullptr : options.host.c_str(),
                           options.user.c_str(),
                           options.password.reveal().c_str(),
                           nullptr,
                           local ? 0 : options.port,
                           local ? options.host.c_str() : nullptr,
                           0) == nullptr) {
        return client.error("connecting to " + address_of(options));
    }
    return client;
}

Result<void> Client::execute(const std::string& sql) {
    if (mysql_real_query(get(), sql.data(), sql.size()) != 0) {
        return error(sql);
    }
    return success();
}

Result<std::string> Client::value(const std::string& sql) {
    TRIBUTARY_TRY_VOID(execute(sql));
    const std::unique_ptr<MYSQL_RES, void (*)(MYSQL_RES*)> rows(mysql_store_result(get()),
                                                                &mysql_free_result);
    if (!rows) {
        return error(sql);
    }
    const MYSQL_ROW row = mysql_fetch_row(rows.get());
    if (row == nullptr || mysql_num_fields(rows.get()) != 1 || row[0] == nullptr) {
        return Error(errors::kSourceUnreachable, sql + ": the server gave no value");
    }
    return std::string(row[0], mysql_fetch_lengths(rows.get())[0]);
}

int Client::socket() const noexcept {
    return mysql_get_socket(get());
}

bool Client::tls() const {
    return mysql_get_ssl_cipher(get()) != nullptr;
}

Error Client::error(std::string_view doing) const {
    return server_error(mysql_errno(get()), mysql_error(get()), doing);
}

}  // namespace tributary::mysql
