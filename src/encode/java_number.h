// Number text as Java prints it (Double.toString and Float.toString since JDK 19: the shortest
// decimal that reads back the same), which is what Jackson writes into JSON. Message keys must have
// the same bytes. Pure.
#pragma once

namespace tributary::encode {

// Writes at most 26 bytes at `at`, returns the end. NaN and infinities come quoted: "NaN",
// "Infinity", "-Infinity". Between 1e-3 and 1e7: plain with at least one fraction digit; else
// d.dddE[-]n.
[[nodiscard]] char* write_java_double(char* at, double value);
[[nodiscard]] char* write_java_float(char* at, float value);

}  // namespace tributary::encode
