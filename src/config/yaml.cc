#include "config/yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cctype>
#include <sstream>
#include <string>
#include <utility>

#include "model/errors.h"

namespace tributary::config {

namespace {

constexpr std::size_t kTextBytesMax = std::size_t{1} << 20U;
constexpr std::size_t kDepthMax = 32;

Error invalid(const Place& place, std::string_view what) {
    return {errors::kConfigInvalid,
            place.file + ":" + std::to_string(place.line) + ": " + std::string(what)};
}

// Builds the tree from the parser's events. Refusals leave as the parser's own exception, which
// carries the place, and end in parse_yaml().
class Builder : public YAML::EventHandler {
  public:
    explicit Builder(std::string_view file) : file_(file) {}

    [[nodiscard]] Node take() { return std::move(root_); }

    void OnDocumentStart(const YAML::Mark&) override {}
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        refuse_anchor(mark, anchor);
        add(mark, Node{});
    }
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
        throw YAML::ParserException(mark, "aliases (*name) are not supported");
    }
    void OnScalar(const YAML::Mark& mark,
                  const std::string& tag,
                  YAML::anchor_t anchor,
                  const std::string& value) override {
        refuse_anchor(mark, anchor);
        if (tag != "?" && tag != "!" && !tag.empty()) {
            throw YAML::ParserException(mark, "tags (!name) are not supported");
        }
        Node node;
        node.kind = Node::Kind::scalar;
        node.text = value;
        node.quoted = tag == "!";
        add(mark, std::move(node));
    }
    void OnSequenceStart(const YAML::Mark& mark,
                         const std::string&,
                         YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override {
        open(mark, anchor, Node::Kind::sequence);
    }
    void OnSequenceEnd() override { close(); }
    void OnMapStart(const YAML::Mark& mark,
                    const std::string&,
                    YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override {
        open(mark, anchor, Node::Kind::mapping);
    }
    void OnMapEnd() override { close(); }

  private:
    // A collection under construction; for a mapping also the key whose value comes next.
    struct Level {
        Node node;
        std::string key;
        Place key_place;
        bool has_key = false;
    };

    static void refuse_anchor(const YAML::Mark& mark, YAML::anchor_t anchor) {
        if (anchor != 0) {
            throw YAML::ParserException(mark, "anchors (&name) are not supported");
        }
    }

    [[nodiscard]] Place place(const YAML::Mark& mark) const { return {file_, mark.line + 1}; }

    void open(const YAML::Mark& mark, YAML::anchor_t anchor, Node::Kind kind) {
        refuse_anchor(mark, anchor);
        if (levels_.size() >= kDepthMax) {
            throw YAML::ParserException(mark, "nested more than 32 levels deep");
        }
        if (!levels_.empty()) {
            const Level& top = levels_.back();
            if (top.node.kind == Node::Kind::mapping && !top.has_key) {
                throw YAML::ParserException(mark, "a key must be plain text");
            }
        }
        Level level;
        level.node.kind = kind;
        level.node.place = place(mark);
        levels_.push_back(std::move(level));
    }

    void close() {
        Node node = std::move(levels_.back().node);
        levels_.pop_back();
        attach(std::move(node));
    }

    void add(const YAML::Mark& mark, Node node) {
        node.place = place(mark);
        if (!levels_.empty()) {
            Level& top = levels_.back();
            if (top.node.kind == Node::Kind::mapping && !top.has_key) {
                take_key(mark, node);
                return;
            }
        }
        attach(std::move(node));
    }

    void take_key(const YAML::Mark& mark, Node& node) {
        Level& top = levels_.back();
        if (node.kind != Node::Kind::scalar) {
            throw YAML::ParserException(mark, "a key must be plain text");
        }
        for (const Member& member : top.node.members) {
            if (member.key == node.text) {
                throw YAML::ParserException(mark,
                                            "duplicate key \"" + node.text + "\", first on line " +
                                                std::to_string(member.place.line));
            }
        }
        top.key = std::move(node.text);
        top.key_place = node.place;
        top.has_key = true;
    }

    void attach(Node node) {
        if (levels_.empty()) {
            root_ = std::move(node);
            return;
        }
        Level& top = levels_.back();
        if (top.node.kind == Node::Kind::sequence) {
            top.node.items.push_back(std::move(node));
            return;
        }
        top.node.members.push_back({std::move(top.key), top.key_place, std::move(node)});
        top.has_key = false;
    }

    std::string file_;
    Node root_;
    std::vector<Level> levels_;
};

// The first line, up to `last`, that a tab indents; 0 when there is none. The parser's own words
// for it are about something else.
int line_indented_by_tab(std::string_view text, int last) {
    for (int line = 1; line <= last && !text.empty(); ++line) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::size_t blank = std::min(text.find_first_not_of(" \t\r"), end);
        if (blank < end && text.substr(0, blank).find('\t') != std::string_view::npos) {
            return line;
        }
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return 0;
}

Result<void> merge_at(Node& base, Node more, const std::string& path) {
    for (Member& member : more.members) {
        const std::string name = path + member.key;
        const auto found = std::find_if(base.members.begin(),
                                        base.members.end(),
                                        [&](const Member& m) { return m.key == member.key; });
        if (found == base.members.end()) {
            base.members.push_back(std::move(member));
            continue;
        }
        Node& old = found->value;
        Node& added = member.value;
        if (old.kind == Node::Kind::mapping && added.kind == Node::Kind::mapping) {
            TRIBUTARY_TRY_VOID(merge_at(old, std::move(added), name + "."));
            continue;
        }
        const bool lists = old.kind == Node::Kind::sequence && added.kind == Node::Kind::sequence;
        if (!lists || name != "sources") {
            return invalid(member.place,
                           "duplicate key \"" + name + "\", first at " + found->place.file + ":" +
                               std::to_string(found->place.line));
        }
        for (Node& item : added.items) {
            old.items.push_back(std::move(item));
        }
    }
    return success();
}

}  // namespace

Result<Node> parse_yaml(std::string_view text, std::string_view file) {
    const Place start{std::string(file), 1};
    if (text.size() > kTextBytesMax) {
        return invalid(start, "the file is larger than 1MiB");
    }
    Builder builder(file);
    try {
        std::istringstream in{std::string(text)};
        YAML::Parser parser(in);
        parser.HandleNextDocument(builder);
        Builder second(file);
        if (parser.HandleNextDocument(second)) {
            return invalid(start, "the file holds more than one YAML document");
        }
    } catch (const YAML::Exception& error) {
        if (const int line = line_indented_by_tab(text, error.mark.line + 1); line > 0) {
            return invalid({start.file, line}, "a tab indents this line; YAML takes spaces only");
        }
        return invalid({start.file, std::max(error.mark.line + 1, 1)}, error.msg);
    } catch (const std::exception& error) {
        return invalid(start, error.what());
    }
    Node root = builder.take();
    if (root.kind == Node::Kind::null) {
        root.kind = Node::Kind::mapping;
        root.place = start;
    }
    if (root.kind != Node::Kind::mapping) {
        return invalid(root.place, "the file must be a mapping, such as `agent: {id: gw-17}`");
    }
    return root;
}

Result<void> merge(Node& base, Node more) {
    return merge_at(base, std::move(more), "");
}

std::string print_scalar(std::string_view text) {
    const bool plain =
        !text.empty() && text != "null" && text != "~" && text != "true" && text != "false" &&
        std::all_of(text.begin(),
                    text.end(),
                    [](unsigned char c) {
                        return std::isalnum(c) != 0 || c == '_' || c == '-' || c == '.' || c == '/';
                    }) &&
        text.front() != '-' && text.front() != '.';
    const bool word = text == "true" || text == "false";
    if (plain || word) {
        return std::string(text);
    }
    YAML::Emitter out;
    out << YAML::DoubleQuoted << std::string(text);
    return out.c_str();
}

}  // namespace tributary::config
