// One declaration per key. A section of the file is a table of its keys, built once:
//
//   const SocketKeys<MessageRules>& message_keys() {
//     static const auto keys =
//         SocketKeys<MessageRules>("messages")
//             .key("fragments", &MessageRules::fragments, number(1, 1'000'000, none),
//                  "The maximum number of frames that one message comes in.", Holds::open)
//             .check([](const Fields& fields, MessageRules& rules) { ... });
//     return keys;
//   }
//
// This one declaration determines how a value is read, its range and words, the default (that of the member
// in MessageRules{}), the text of `postern reference`, the JSON Schema, the list of known keys, and what a
// change means for open sockets. Relations between keys are declared after the keys where a JSON Schema can
// express them (at_most_one_of, at_least_one_of, exactly_one, needs), and are checked in check() where it
// cannot.
#pragma once

#include <concepts>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "config/fields.h"
#include "config/fingerprint.h"
#include "config/kinds.h"
#include "config/relation.h"
#include "config/schema.h"

namespace postern::config {

class Section;

// The kind of a key (config/kinds.h) for members of one type, behind an interface that does not depend on the
// type. `member` points to the member.
class AnyKind {
 public:
  virtual ~AnyKind() = default;
  // Reads the value into the member, and reports its errors.
  virtual void read(const Value& value, void* member) const = 0;
  virtual std::string words() const = 0;  // "duration"
  virtual std::string range() const = 0;  // "10ms to 24h"; empty: there is none
  virtual std::string unit() const = 0;
  virtual std::string instead() const = 0;  // a word that is allowed in place of the value: "none"
  // The value of the member as text, as the reference prints a default.
  virtual std::string shown(const void* member) const = 0;
  virtual std::string json_schema() const = 0;
  virtual void add_to(Fingerprint& fingerprint, const void* member) const = 0;
  virtual Shape shape() const = 0;
  virtual bool is_switch() const = 0;          // `false` means the same as leaving the key out
  virtual const Section* section() const = 0;  // the keys of a map; null: the value has no fixed keys
};

struct KeyRow {
  std::string_view name;
  std::function<void*(void*)> member;  // returns the member of the structure that the section fills
  std::shared_ptr<const AnyKind> kind;
  std::string description;
  Holds holds = Holds::unknown;
  std::string default_text;
  std::optional<std::string> example{};  // nullopt: the default
  bool commented_out = false;
  bool required = false;
  bool needs_restart = false;
  bool folded = false;      // reference.yaml does not show the keys of its map
  bool in_words = false;    // `default_text` is a description, not a value
  bool read_first = false;  // read before the other keys, which depend on it
  // How the defaults of the keys of its map are described, followed by the name of a key: "the listener's ".
  std::string_view inherits{};
  std::string_view required_without{};               // required where this key is missing
  std::function<SourceLocation*(void*)> location{};  // returns the member for the location of the value
};

// The keys of one map. A section is immutable once it is built; any thread may use it.
class Section {
 public:
  explicit Section(std::string_view name) : name_(name) {}

  std::string_view name() const { return name_; }
  const std::vector<KeyRow>& rows() const { return rows_; }
  std::vector<std::string_view> names() const;
  // Reads `value` as the value of `key`, in place of a whole map. Relations between keys are not checked.
  void read_as(std::string_view key, const Value& value, void* object) const;
  // `key` must be declared.
  const KeyRow& row(std::string_view key) const;
  // The JSON Schema of a map with these keys.
  std::string json_schema() const;

  // Reads every key that the map holds into `object`, and then checks the relations between keys.
  void read(const Value& value, void* object) const;

  // Adds the keys of `object` that apply to open sockets: all but those with Holds::new_only.
  void add_to(Fingerprint& fingerprint, const void* object) const;

 protected:
  void add(KeyRow row);
  KeyRow& last() { return rows_.back(); }
  void add_check(std::function<void(const Fields&, void*)> check) { checks_.push_back(std::move(check)); }
  void relate(Relation::Kind kind, const std::vector<std::string_view>& keys, std::string_view sentence);
  void set_begin(std::function<void(const Value&, void*)> begin) { begin_ = std::move(begin); }

 private:
  void read_row(const KeyRow& row, Fields& fields, void* object) const;

  std::string_view name_;
  std::vector<KeyRow> rows_;
  std::function<void(const Value&, void*)> begin_;
  std::vector<std::function<void(const Fields&, void*)>> checks_;
  std::vector<Relation> relations_;
};

// The `get` of a key that fills more than one member of the structure of its section.
template <class T>
T& itself(T& object) {
  return object;
}

// Converts a value that was read into the type of the member: an optional, or a duration with a coarser unit.
template <class To, class From>
To convert(From&& from) {
  using Plain = std::remove_cvref_t<From>;
  if constexpr (std::is_same_v<To, Plain>)
    return std::forward<From>(from);
  else if constexpr (requires { std::chrono::duration_cast<To>(from); })
    return std::chrono::duration_cast<To>(from);
  else
    return static_cast<To>(std::forward<From>(from));
}

template <class M>
struct Kept {
  using Type = M;
  static M* find(M& member) { return &member; }
};
template <class M>
struct Kept<std::optional<M>> {
  using Type = M;
  static M* find(std::optional<M>& member) { return member ? &*member : nullptr; }
};

template <class K, class M>
class KindOf final : public AnyKind {
 public:
  explicit KindOf(K kind) : kind_(std::move(kind)) {}

  void read(const Value& value, void* member) const override {
    M& to = *static_cast<M*>(member);
    if constexpr (requires { kind_.read_into(value, to); }) {
      kind_.read_into(value, to);
    } else {
      auto found = kind_.read(value);
      if (found) to = convert<typename Kept<M>::Type>(std::move(*found));
    }
  }
  std::string words() const override { return kind_.words(); }
  std::string range() const override {
    if constexpr (requires { kind_.range(); }) return std::string(kind_.range());
    return {};
  }
  std::string unit() const override {
    if constexpr (requires { kind_.unit(); }) return std::string(kind_.unit());
    return {};
  }
  std::string instead() const override {
    if constexpr (requires { kind_.instead(); }) return std::string(kind_.instead());
    return {};
  }
  std::string shown(const void* member) const override {
    M& from = *static_cast<M*>(const_cast<void*>(member));
    if constexpr (requires(const Value& value) { kind_.read_into(value, from); }) {
      return kind_.shown(from);
    } else {
      const auto* value = Kept<M>::find(from);
      return value ? kind_.shown(convert<typename K::Type>(*value)) : "none";
    }
  }
  std::string json_schema() const override { return kind_.json_schema(); }
  void add_to(Fingerprint& fingerprint, const void* member) const override {
    if constexpr (requires(const M& from) { kind_.add_to(fingerprint, from); })
      kind_.add_to(fingerprint, *static_cast<const M*>(member));
    else
      fingerprint.add(std::string_view(shown(member)));
  }
  Shape shape() const override {
    if constexpr (requires { kind_.shape(); }) return kind_.shape();
    return Shape::value;
  }
  bool is_switch() const override {
    if constexpr (requires { kind_.is_switch(); }) return kind_.is_switch();
    return false;
  }
  const Section* section() const override {
    if constexpr (requires { kind_.section(); }) return kind_.section();
    return nullptr;
  }

 private:
  K kind_;
};

template <class T, bool tells_sockets>
class KeysOf;
template <class T>
using Keys = KeysOf<T, false>;
template <class T>
using SocketKeys = KeysOf<T, true>;

// The table of a section that fills a T. With `tells_sockets`, every key must state what a change of it means
// for open WebSockets and event streams; there is no default for that.
template <class T, bool tells_sockets>
class KeysOf : public Section {
 public:
  using Type = T;
  // `name` is the name of the section in the JSON Schema. `start` is the value of a map without entries.
  // `shown` has the defaults that the reference prints, if they are not those of `start`.
  explicit KeysOf(std::string_view name, T start = T{}) : KeysOf(name, start, start) {}
  KeysOf(std::string_view name, T start, T shown)
      : Section(name), start_(std::move(start)), shown_(std::move(shown)) {}

  const T& start() const { return start_; }

  template <class Get, class K>
  requires(!tells_sockets) KeysOf& key(std::string_view name, Get get, K kind, std::string_view description) {
    return put(name, get, std::move(kind), description, Holds::unknown);
  }
  template <class Get, class K>
  requires tells_sockets KeysOf& key(std::string_view name, Get get, K kind, std::string_view description,
                                     Holds holds) {
    return put(name, get, std::move(kind), description, holds);
  }

  // ---- Properties of the key that was declared last

  // The value that the reference prints, where it is not the default.
  KeysOf& example(std::string_view text) {
    last().example = text;
    return *this;
  }
  // The reference prints the key as a comment: the key excludes another one, or names a file that does not
  // exist.
  KeysOf& commented_out() {
    last().commented_out = true;
    return *this;
  }
  // Describes the default in words, where the value of the member does not show it.
  KeysOf& by_default(std::string_view words) {
    last().default_text = words;
    last().in_words = true;
    return *this;
  }
  KeysOf& required() {
    last().required = true;
    last().default_text = "required";
    return *this;
  }
  // The key is required where the other key is missing.
  KeysOf& required_without(std::string_view key) {
    last().required_without = key;
    last().default_text = "required without " + std::string(key);
    last().in_words = true;
    return *this;
  }
  // A change of the key takes effect after a restart only.
  KeysOf& needs_restart() {
    last().needs_restart = true;
    return *this;
  }
  // reference.yaml describes the keys of the map at another key, or in the description of this key.
  KeysOf& folded() {
    last().folded = true;
    return *this;
  }

  // The key is read before the others, whose reading depends on it.
  KeysOf& read_first() {
    last().read_first = true;
    return *this;
  }
  // The keys of its map have defaults from elsewhere, described by KeyRow::inherits.
  KeysOf& inherits(std::string_view words) {
    last().inherits = words;
    return *this;
  }
  template <class B>
  KeysOf& located(SourceLocation B::*member) {
    last().location = [member](void* object) { return &(static_cast<T*>(object)->*member); };
    return *this;
  }

  // ---- Properties of the section

  // The keys of another section are keys of this one as well; they fill a part of T.
  template <class B, class P>
  KeysOf& include(const Keys<P>& keys, P B::*part) {
    for (KeyRow row : keys.rows()) {
      row.member = [inner = row.member, part](void* object) {
        return inner(&(static_cast<T*>(object)->*part));
      };
      add(std::move(row));
    }
    return *this;
  }
  // Relations between keys that are declared already (config/relation.h). When the map has more than one of
  // these keys, the first one counts. Each further one gets the error `sentence`, in which "{}" is replaced
  // by the first.
  KeysOf& at_most_one_of(std::vector<std::string_view> keys, std::string_view sentence) {
    relate(Relation::Kind::at_most_one, keys, sentence);
    return *this;
  }
  // The map must have one key. `sentence` is the error for none or several.
  KeysOf& exactly_one(std::string_view sentence) {
    relate(Relation::Kind::exactly_one, names(), sentence);
    return *this;
  }
  KeysOf& not_empty(std::string_view sentence) { return at_least_one_of({}, sentence); }
  // The map must have at least one of these keys, or any key if the list is empty. `sentence` is the error.
  KeysOf& at_least_one_of(std::vector<std::string_view> keys, std::string_view sentence) {
    relate(Relation::Kind::at_least_one, keys, sentence);
    return *this;
  }
  // `key` needs `other`. `sentence` is the error at `key`; without it, the error is that `other` is missing.
  KeysOf& needs(std::string_view key, std::string_view other, std::string_view sentence = "") {
    relate(Relation::Kind::needs, {key, other}, sentence);
    return *this;
  }
  // Called before any key is read.
  KeysOf& begin(void (*prepare)(const Value&, T&)) {
    set_begin([prepare](const Value& value, void* object) { prepare(value, *static_cast<T*>(object)); });
    return *this;
  }
  // Called when all keys are read, to check relations between them.
  KeysOf& check(void (*judge)(const Fields&, T&)) {
    add_check([judge](const Fields& fields, void* object) { judge(fields, *static_cast<T*>(object)); });
    return *this;
  }

 private:
  template <class Get, class K>
  KeysOf& put(std::string_view name, Get get, K kind, std::string_view description, Holds holds) {
    using M = std::remove_reference_t<decltype(std::invoke(get, std::declval<T&>()))>;
    KeyRow row;
    row.name = name;
    row.member = [get](void* object) -> void* { return &std::invoke(get, *static_cast<T*>(object)); };
    row.kind = std::make_shared<const KindOf<K, M>>(std::move(kind));
    row.description = description;
    row.holds = holds;
    row.default_text = row.kind->shown(row.member(&shown_));
    add(std::move(row));
    return *this;
  }

  T start_;
  T shown_;
};

// ---- Maps as values

// Gives access to a section through a function, because a table is made when it is first used.
template <class T>
struct SectionOf {
  std::function<const Section&()> keys;
  std::function<const T&()> start;
};
template <class K>
SectionOf<typename K::Type> section_of(const K& (*keys)()) {
  using T = typename K::Type;
  return {[keys]() -> const Section& { return keys(); }, [keys]() -> const T& { return keys().start(); }};
}

// Returns a reference to the definition of a section in the JSON Schema, or a schema that accepts it or one
// of `others`.
std::string section_schema(const Section& section, std::vector<std::string> others = {});

// A map with the keys of a section, read into a T or into an optional one.
template <class T>
class MapKind {
 public:
  explicit MapKind(SectionOf<T> section) : section_(std::move(section)) {}

  // `none` means no map. `other` is the error for any other single value.
  MapKind or_none(std::string_view other = "") const {
    MapKind changed = *this;
    changed.has_none_ = true;
    changed.other_ = other;
    return changed;
  }
  // `true` means a map without entries, and `false` no map.
  MapKind or_boolean() const {
    MapKind changed = *this;
    changed.has_boolean_ = true;
    return changed;
  }
  // A single value means a map with this one key.
  MapKind short_for(std::string_view key) const {
    MapKind changed = *this;
    changed.short_for_ = key;
    return changed;
  }
  // So does a list.
  MapKind short_for_list(std::string_view key) const {
    MapKind changed = short_for(key);
    changed.takes_list_ = true;
    return changed;
  }
  // How the reference describes the type, in place of "map".
  MapKind in_words(std::string_view words) const {
    MapKind changed = *this;
    changed.words_ = words;
    return changed;
  }

  void read_into(const Value& value, T& to) const {
    if (!short_for_.empty() && (value.is_scalar() || (takes_list_ && value.is_list())))
      return section_.keys().read_as(short_for_, value, &to);
    section_.keys().read(value, &to);
  }
  void read_into(const Value& value, std::optional<T>& to) const {
    if (has_none_ && value.says_none()) return to.reset();
    if (!other_.empty() && value.is_scalar()) return value.complain(std::string(other_));
    if (has_boolean_ && value.is_scalar()) {
      const auto on = value.boolean();
      to = on && *on ? std::optional<T>(section_.start()) : std::nullopt;
      return;
    }
    read_into(value, to.emplace(section_.start()));
  }
  std::string words() const {
    if (!words_.empty()) return std::string(words_);
    return has_none_ ? "map or none" : has_boolean_ ? "true, false or map" : "map";
  }
  std::string shown(const T&) const { return "the defaults of its keys"; }
  std::string shown(const std::optional<T>&) const { return has_boolean_ ? "false" : "none"; }
  std::string json_schema() const {
    std::vector<std::string> others;
    if (has_none_) others.push_back(words_schema({"none"}));
    if (has_boolean_) others.push_back(words_schema({"true", "false"}));
    if (!short_for_.empty()) others.push_back(section_.keys().row(short_for_).kind->json_schema());
    return section_schema(section_.keys(), std::move(others));
  }
  void add_to(Fingerprint& fingerprint, const T& from) const { section_.keys().add_to(fingerprint, &from); }
  void add_to(Fingerprint& fingerprint, const std::optional<T>& from) const {
    fingerprint.add(from.has_value());
    if (from) section_.keys().add_to(fingerprint, &*from);
  }
  Shape shape() const { return Shape::section; }
  bool is_switch() const { return has_boolean_; }
  const Section* section() const { return &section_.keys(); }

 private:
  SectionOf<T> section_;
  bool has_none_ = false;
  bool has_boolean_ = false;
  bool takes_list_ = false;
  std::string_view other_;
  std::string_view short_for_;
  std::string_view words_;
};

template <class K>
auto map(const K& (*keys)()) {
  return MapKind<typename K::Type>(section_of(keys));
}

// A single value, which `read` reads, or a map with the keys of a section; both fill the same structure.
template <class T>
struct ValueOrMap {
  void (*read)(const Value&, T&);
  SectionOf<T> section_of_map;
  std::string_view what;
  std::string value_schema;
  std::string_view usual;  // how the default is shown

  void read_into(const Value& value, T& to) const {
    if (value.is_scalar())
      read(value, to);
    else
      section()->read(value, &to);
  }
  std::string words() const { return std::string(what); }
  std::string shown(const T&) const { return std::string(usual); }
  std::string json_schema() const { return section_schema(*section(), {value_schema}); }
  Shape shape() const { return Shape::section; }
  const Section* section() const { return &section_of_map.keys(); }
};
template <class K>
auto value_or_map(void (*read)(const Value&, typename K::Type&), const K& (*keys)(), std::string_view what,
                  std::string value_schema, std::string_view usual) {
  return ValueOrMap<typename K::Type>{read, section_of(keys), what, std::move(value_schema), usual};
}

// A list of maps with the keys of a section.
template <class T>
struct ListOfMaps {
  SectionOf<T> of;
  std::string_view if_empty{};  // the error for an empty list; empty: it is allowed
  std::size_t most = 1000;

  void read_into(const Value& value, std::vector<T>& to) const {
    const std::vector<Value> items = value.items(most);
    if (value.is_list() && items.empty() && !if_empty.empty()) value.complain(std::string(if_empty));
    for (const Value& item : items) {
      T one = of.start();
      of.keys().read(item, &one);
      to.push_back(std::move(one));
    }
  }
  std::string words() const { return "list"; }
  std::string shown(const std::vector<T>&) const { return "none"; }
  std::string json_schema() const {
    return list_schema(section_schema(of.keys()), if_empty.empty() ? 0 : 1, most);
  }
  Shape shape() const { return Shape::list; }
  const Section* section() const { return &of.keys(); }
};
template <class K>
auto list_of_maps(const K& (*keys)(), std::string_view if_empty = "") {
  return ListOfMaps<typename K::Type>{section_of(keys), if_empty};
}

// The pattern of a name that the operator chooses, see parse_name().
inline constexpr std::string_view name_pattern = "[A-Za-z0-9._-]{1,64}";

// A map from names, which the operator chooses, to maps with the keys of a section. T has the members `name`
// and `location`.
template <class T>
struct Named {
  SectionOf<T> of;
  std::size_t most = 0;  // maximum number of names; 0: as many as any map may have

  void read_into(const Value& value, std::vector<T>& to) const {
    for (const auto& [key, entry] : value.entries()) {
      check_name(value, key);
      if (most != 0 && to.size() == most)
        return value.complain("has more than " + std::to_string(most) + " names");
      T one = of.start();
      one.name = key.text;
      of.keys().read(entry, &one);
      one.location = key.location;
      to.push_back(std::move(one));
    }
  }
  std::string words() const { return "map of names"; }
  std::string shown(const std::vector<T>&) const { return "none"; }
  std::string json_schema() const { return entries_schema(section_schema(of.keys()), name_pattern, most); }
  Shape shape() const { return Shape::named; }
  const Section* section() const { return &of.keys(); }
};
template <class K>
auto named(const K& (*keys)(), std::size_t most = 0) {
  return Named<typename K::Type>{section_of(keys), most};
}

}  // namespace postern::config
