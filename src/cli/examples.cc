#include "cli/examples.h"

#include <algorithm>
#include <array>
#include <string>

namespace vodlift::cli {
namespace {

constexpr std::array<std::string_view, 34> kExamples = {
    "vodlift account add --cdn 158 --user jb",
    "vodlift account set --cdn 158 --weight 3 --https-only yes",
    "vodlift account rotate --cdn 158 --overlap 7d",
    "vodlift account remove --cdn 158 --drain --wait",
    "vodlift key add --cdn 158",
    "vodlift key add --cdn 158 --permissions upload,status --path-prefix sestore4/jb/films",
    "vodlift key rotate --api-key K --overlap 24h",
    "vodlift bucket check --cdn 158 --bucket videos",
    "vodlift key remove --api-key K",
    "vodlift bucket remove --cdn 158 --bucket videos --cancel",
    "vodlift import old.csv --dry-run",
    "vodlift limit set --cdn 158 --rate 50MB",
    "vodlift upload sestore4/jb/film.mp4 --cdn 158 --bucket videos --watch",
    "vodlift upload sestore4/jb/films --recursive --cdn 158 --bucket videos --dry-run",
    "vodlift upload list --state failed --since 2h",
    "vodlift upload list --text concert --cdn 158 --json",
    "vodlift upload show 330",
    "vodlift upload cancel 330 331",
    "vodlift upload cancel --cdn 158 --state queued --dry-run",
    "vodlift upload cancel --storage sestore4",
    "vodlift upload pause 330",
    "vodlift upload resume 330",
    "vodlift upload retry --state failed --error s3_credential --since 2h",
    "vodlift status 330 --watch",
    "vodlift callback list --state failed",
    "vodlift callback show 7",
    "vodlift callback send 7",
    "vodlift callback test --cdn 158 --url https://example.com/done",
    "vodlift storage files sestore4/jb --filter \"*.mp4\"",
    "vodlift overview --cdn 158",
    "vodlift alerts test",
    "vodlift backup /var/lib/vodlift/backup/2027-01-31.db",
    "vodlift audit list --command key. --since 7d",
    "vodlift audit list --upload 330",
};

// The command that the first words of `words` name.
CLI::App& command_of(CLI::App& app, std::string_view words) {
  const std::string_view word = words.substr(0, words.find(' '));
  const auto found = app.get_subcommands([word](const CLI::App* verb) { return verb->get_name() == word; });
  if (word.empty() || found.empty()) return app;
  words.remove_prefix(std::min(word.size() + 1, words.size()));
  return command_of(*found.front(), words);
}

}  // namespace

std::span<const std::string_view> examples() { return kExamples; }

void add_examples(CLI::App& app) {
  for (const std::string_view example : kExamples) {
    CLI::App& command = command_of(app, example.substr(example.find(' ') + 1));
    std::string footer = command.get_footer();
    if (footer.empty()) footer = "Examples:";
    command.footer(footer + "\n  " + std::string(example));
  }
}

}  // namespace vodlift::cli
