// Character sets to UTF-8, as the servers' own CONVERT has them.
#include <gtest/gtest.h>

#include "connectors/mysql/values/charset.h"
#include "support.h"

namespace tributary::mysql {
namespace {

using test::hex;

std::string utf8(std::string_view charset, std::string_view bytes) {
    const auto converter = make_converter(charset);
    if (!converter) {
        return "no converter";
    }
    Arena arena;
    return std::string(converter->to_utf8(bytes, arena));
}

TEST(Charset, is_told_by_the_collation_on_both_servers) {
    EXPECT_EQ(charset_of(8), "latin1");    // latin1_swedish_ci
    EXPECT_EQ(charset_of(28), "gbk");      // gbk_chinese_ci
    EXPECT_EQ(charset_of(45), "utf8mb4");  // utf8mb4_general_ci
    EXPECT_EQ(charset_of(63), "binary");
    EXPECT_EQ(charset_of(255), "utf8mb4");   // utf8mb4_0900_ai_ci, MySQL
    EXPECT_EQ(charset_of(248), "gb18030");   // MySQL
    EXPECT_EQ(charset_of(2304), "utf8mb4");  // utf8mb4_uca1400_ai_ci, MariaDB
    EXPECT_EQ(charset_of(1071), "latin1");   // latin1_nopad_bin, MariaDB
    EXPECT_EQ(charset_of(578), "utf8mb3");   // MariaDB
    EXPECT_EQ(charset_of(17), "");
    EXPECT_EQ(charset_of(0), "");
    EXPECT_EQ(charset_of(60000), "");
}

TEST(Charset, every_name_has_a_collation_and_a_converter) {
    for (const char* name :
         {"big5",    "latin2",  "dec8",   "cp850",   "latin1",  "hp8",      "koi8r",   "swe7",
          "ascii",   "ujis",    "sjis",   "cp1251",  "hebrew",  "tis620",   "euckr",   "latin7",
          "koi8u",   "gb2312",  "greek",  "cp1250",  "gbk",     "cp1257",   "latin5",  "armscii8",
          "utf8mb3", "ucs2",    "cp866",  "keybcs2", "macce",   "macroman", "cp852",   "utf8mb4",
          "utf16",   "utf16le", "cp1256", "utf32",   "geostd8", "cp932",    "eucjpms", "gb18030"}) {
        EXPECT_EQ(charset_of(collation_of(name)), name);
        EXPECT_EQ(utf8(name, "").size(), 0U) << name;
        EXPECT_TRUE(make_converter(name)) << name;
    }
    EXPECT_EQ(make_converter("klingon"), nullptr);
    EXPECT_EQ(collation_of("klingon"), 0);
}

TEST(Charset, latin1_is_windows_1252_with_its_five_holes_as_control_characters) {
    EXPECT_EQ(utf8("latin1", "Zo\xEB \x80 \x9C"), "Zoë € œ");
    EXPECT_EQ(utf8("latin1", "\x81"), "\xC2\x81");
}

TEST(Charset, single_bytes_convert) {
    EXPECT_EQ(utf8("latin2", hex("a3f364bc")), "Łódź");
    EXPECT_EQ(utf8("cp1251", hex("cff0e8e2e5f2")), "Привет");
    EXPECT_EQ(utf8("greek", hex("e1e2e3")), "αβγ");
    EXPECT_EQ(utf8("swe7", "@[\\]a"), "ÉÄÖÅa");
    EXPECT_EQ(utf8("ascii", "a\x80"), "a\xEF\xBF\xBD");
}

TEST(Charset, unicode_forms_convert) {
    EXPECT_EQ(utf8("ucs2", hex("6f225b57")), "漢字");
    EXPECT_EQ(utf8("utf16", hex("d83dde0000e9")), "😀é");
    EXPECT_EQ(utf8("utf16le", hex("3dd800de")), "😀");
    EXPECT_EQ(utf8("utf32", hex("0001f60000000041")), "😀A");
    EXPECT_EQ(utf8("utf16", hex("d83d")), "\xEF\xBF\xBD");
    EXPECT_EQ(utf8("utf16", hex("006100")), "a\xEF\xBF\xBD");
    EXPECT_EQ(utf8("utf32", hex("00110000")), "\xEF\xBF\xBD");
}

TEST(Charset, east_asian_ones_convert_where_iconv_and_the_server_differ_too) {
    EXPECT_EQ(utf8("gbk", hex("babad7d6")), "汉字");
    EXPECT_EQ(utf8("sjis", hex("8abf8e9ab1")), "漢字ｱ");
    EXPECT_EQ(utf8("sjis", hex("8160")), "〜");  // iconv: U+FF5E
    EXPECT_EQ(utf8("cp932", hex("8160")), "～");
    EXPECT_EQ(utf8("ujis", hex("b4c1bbfa8eb1")), "漢字ｱ");
    EXPECT_EQ(utf8("ujis", hex("8fa2c3")), "¦");  // three bytes; iconv: U+FFE4
    EXPECT_EQ(utf8("euckr", hex("8141c7d1")), "갂한");
    EXPECT_EQ(utf8("big5", hex("a145")), "•");  // iconv: U+2027
    EXPECT_EQ(utf8("gb18030", hex("babad7d69439fc36")), "汉字😀");
    EXPECT_EQ(utf8("gbk", "a\\b"), "a\\b");
    EXPECT_EQ(utf8("gbk", "\xBA"), "\xEF\xBF\xBD");
}

TEST(Charset, utf8_passes_as_it_is_and_broken_utf8_is_mended) {
    const auto converter = make_converter("utf8mb4");
    Arena arena;
    const std::string text = "Zoë 😀";
    EXPECT_EQ(converter->to_utf8(text, arena).data(), text.data());
    EXPECT_EQ(converter->to_utf8("a\xFFz", arena), "a\xEF\xBF\xBDz");
    EXPECT_EQ(converter->to_utf8("\xED\xA0\x80", arena),
              "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");                             // a surrogate
    EXPECT_EQ(converter->to_utf8("\xC0\x80", arena), "\xEF\xBF\xBD\xEF\xBF\xBD");  // too long
    EXPECT_EQ(converter->to_utf8("\xE6\xBC", arena), "\xEF\xBF\xBD\xEF\xBF\xBD");
}

}  // namespace
}  // namespace tributary::mysql
