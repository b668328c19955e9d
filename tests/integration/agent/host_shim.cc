// Preloaded into the agent: whoever opens /etc/machine-id reads $HOST_SHIM_FILE instead, so that a
// test carries a log to another host.
#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

extern "C" FILE* fopen64(const char* path, const char* mode) {
    using Function = FILE* (*)(const char*, const char*);
    static const auto kReal = reinterpret_cast<Function>(::dlsym(RTLD_NEXT, "fopen64"));
    const char* const other = std::getenv("HOST_SHIM_FILE");
    const bool redirected = other != nullptr && std::string_view(path) == "/etc/machine-id";
    return kReal(redirected ? other : path, mode);
}

extern "C" FILE* fopen(const char* path, const char* mode) {
    return ::fopen64(path, mode);
}
