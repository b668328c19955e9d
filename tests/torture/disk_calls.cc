#include "tests/torture/disk_calls.h"

#include <sys/mman.h>

#include <fcntl.h>

#include <utility>

#include "base/unique_fd.h"
#include "tests/servers/failure.h"

namespace tributary::torture {

DiskCalls::DiskCalls(std::filesystem::path file) : file_(std::move(file)) {
    const UniqueFd fd(::open(file_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    void* const place =
        fd && ::ftruncate(fd.get(), sizeof(DiskOrder)) == 0
            ? ::mmap(nullptr, sizeof(DiskOrder), PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0)
            : MAP_FAILED;
    if (place == MAP_FAILED) {
        throw servers::ServerFailure("cannot map " + file_.string());
    }
    order_ = static_cast<DiskOrder*>(place);
}

DiskCalls::~DiskCalls() {
    ::munmap(order_, sizeof(DiskOrder));
}

void DiskCalls::arm(DiskAction action, int countdown) {
    order_->countdown = 0;
    order_->action = static_cast<std::int32_t>(action);
    order_->countdown = countdown;
}

}  // namespace tributary::torture
