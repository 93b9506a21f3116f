#include "cli/manual.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <vector>

#include "cli/session.h"

namespace vodlift::cli {
namespace {

struct Command {
  std::string words;  // " account add", empty for vodlift itself
  const CLI::App* app = nullptr;
  std::vector<const CLI::App*> verbs;
  std::vector<const CLI::Option*> options;  // positional ones first
};

void add_options(const CLI::App& app, Command& command) {
  for (const CLI::Option* option : app.get_options()) {
    command.options.insert(option->get_positional() ? command.options.begin() : command.options.end(), option);
  }
}

// All commands, each before its verbs.
void visit(const CLI::App& app, const std::string& words, const std::function<void(const Command&)>& take) {
  Command command{words, &app, {}, {}};
  add_options(app, command);
  for (const CLI::App* child : app.get_subcommands([](const CLI::App*) { return true; })) {
    // A child without a name is a group of options.
    child->get_name().empty() ? add_options(*child, command) : command.verbs.push_back(child);
  }
  take(command);
  for (const CLI::App* verb : command.verbs) visit(*verb, words + " " + verb->get_name(), take);
}

// The verbs and options that may come next.
std::vector<std::string> next_words(const Command& command) {
  std::vector<std::string> words;
  for (const CLI::App* verb : command.verbs) words.push_back(verb->get_name());
  for (const CLI::Option* option : command.options) {
    if (!option->get_positional()) words.push_back("--" + option->get_lnames().front());
  }
  return words;
}

// Text between single quotes of a shell.
std::string in_quotes(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string roff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else if (c == '\n') {
      out += ' ';
    } else {
      out += c;
    }
  }
  // A line that begins so would be a request.
  if (out.starts_with('.') || out.starts_with('\'')) out.insert(0, "\\&");
  return out;
}

std::string option_entry(const CLI::Option& option) {
  const std::string name = option.get_positional() ? option.get_name(true) : option.get_name();
  const bool takes_value = option.get_expected_max() > 0 && option.get_items_expected_max() > 0;
  const std::string value =
      option.get_positional() || !takes_value ? "" : fmt::format(" \\fI{}\\fR", roff(option.get_type_name()));
  return fmt::format(".TP\n\\fB{}\\fR{}\n{}.\n", roff(name), value, roff(option.get_description()));
}

}  // namespace

std::string bash_completion(const CLI::App& app) {
  std::string paths;
  std::string cases;
  visit(app, "", [&](const Command& command) {
    if (!command.words.empty()) paths += fmt::format("{}{}", paths.empty() ? "" : "|", in_quotes(command.words));
    cases += fmt::format("    {}) words='{}' ;;\n", in_quotes(command.words), fmt::join(next_words(command), " "));
  });
  return fmt::format(
      R"(# Completion of vodlift for bash, made by: vodlift completion bash
_vodlift() {{
  local path='' words='' word
  for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
    case "$path $word" in {}) path="$path $word" ;; esac
  done
  case "$path" in
{}  esac
  COMPREPLY=($(compgen -W "$words" -- "${{COMP_WORDS[COMP_CWORD]}}"))
}}
complete -o default -F _vodlift vodlift
)",
      paths, cases);
}

std::string zsh_completion(const CLI::App& app) {
  return "autoload -U +X compinit bashcompinit && compinit && bashcompinit\n" + bash_completion(app);
}

std::string fish_completion(const CLI::App& app) {
  std::string out = "# Completion of vodlift for fish, made by: vodlift completion fish\n";
  visit(app, "", [&](const Command& command) {
    // fish has the words typed so far in `commandline -opc`.
    const std::string when = fmt::format("string match -qr {} -- (string join ' ' -- (commandline -opc)[2..])",
                                         in_quotes("^" + (command.words.empty() ? "" : command.words.substr(1)) +
                                                   (command.verbs.empty() ? "( .*)?$" : "$")));
    for (const CLI::App* verb : command.verbs) {
      out += fmt::format("complete -c vodlift -f -n {} -a {} -d {}\n", in_quotes(when), verb->get_name(),
                         in_quotes(verb->get_description()));
    }
    for (const CLI::Option* option : command.options) {
      if (option->get_positional()) continue;
      out += fmt::format("complete -c vodlift -n {} -l {} -d {}\n", in_quotes(when), option->get_lnames().front(),
                         in_quotes(option->get_description()));
    }
  });
  return out;
}

std::string manual_page(const CLI::App& app) {
  std::string out = fmt::format(
      ".TH VODLIFT 1\n.SH NAME\nvodlift \\- upload video files from storages to S3 buckets\n.SH SYNOPSIS\n"
      ".B vodlift\n.I COMMAND\n[\\fIOPTION\\fR ...]\n.SH DESCRIPTION\n{}\n.SH COMMANDS\n",
      roff(app.get_description()));
  visit(app, "", [&](const Command& command) {
    if (command.words.empty()) return;
    out += fmt::format(".SS vodlift{}\n{}.\n", roff(command.words), roff(command.app->get_description()));
    for (const CLI::Option* option : command.options) {
      if (!option->get_name().ends_with("--help")) out += option_entry(*option);
    }
  });
  out += fmt::format(".SH EXIT STATUS\n{}\n", roff(app.get_footer()));
  out +=
      ".SH FILES\n.TP\n.I /etc/vodlift/vodlift.toml\nThe usual configuration file.\n.TP\n.I "
      "/run/vodlift/admin.sock\nThe "
      "daemon's socket, unless the configuration names another one.\n";
  return out;
}

void add_manual_commands(CLI::App& app) {
  auto shell = std::make_shared<std::string>();
  CLI::App* completion = app.add_subcommand("completion", "Print a script that completes commands in a shell");
  completion->add_option("shell", *shell, "The shell: bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  completion->callback([&app, shell] {
    print(*shell == "fish" ? fish_completion(app) : *shell == "zsh" ? zsh_completion(app) : bash_completion(app));
  });
  CLI::App* man = app.add_subcommand("man", "Print the manual page, for man(1)");
  man->callback([&app] { print(manual_page(app)); });
}

}  // namespace vodlift::cli
