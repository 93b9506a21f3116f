#include <fmt/format.h>

#include <cstdio>
#include <exception>

#include "app/bucket_trial.h"
#include "app/config.h"
#include "app/config_check.h"
#include "app/server.h"
#include "app/store_commands.h"
#include "cli/build.h"
#include "cli/cli.h"

int main(int argc, char** argv) {
  try {
    const vodlift::cli::Services services = {
        .serve =
            [](const std::filesystem::path& config) {
              return vodlift::app::serve(config, {vodlift::cli::build_version(), vodlift::cli::build_commit()});
            },
        .init = vodlift::app::init,
        .accept_loss = vodlift::app::accept_loss,
        .restore = vodlift::app::restore,
        .migrate_store = vodlift::app::migrate_store,
        .check_audit = vodlift::app::check_audit,
        .check_config = vodlift::app::check_config,
        .try_bucket = vodlift::app::try_bucket,
        .admin_socket_of = vodlift::app::admin_socket_of,
        .database_of = vodlift::app::database_file_of,
    };
    return vodlift::cli::run(argc, argv, services);
  } catch (const std::exception& error) {
    fmt::print(stderr, "vodlift: unexpected error: {}\n", error.what());
    return vodlift::cli::kFailed;
  }
}
