#include "format/snapshot_marker.h"

namespace tributary::format {

std::string_view to_string(SnapshotMarker marker) {
    switch (marker) {
        case SnapshotMarker::middle:
            return "true";
        case SnapshotMarker::first:
            return "first";
        case SnapshotMarker::first_in_table:
            return "first_in_data_collection";
        case SnapshotMarker::last_in_table:
            return "last_in_data_collection";
        case SnapshotMarker::last:
            return "last";
    }
    return {};
}

}  // namespace tributary::format
