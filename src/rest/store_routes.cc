// The database itself.
#include "rest/route.h"

namespace vodlift::rest {
namespace {

using boost::json::object;

constexpr std::array kBackupFields = {
    FieldSpec{.name = "file", .required = true, .high = 4096, .audited = true},
    FieldSpec{.name = "replace", .type = FieldType::flag, .audited = true},
};

// The daemon writes where it is told, so nobody is asked who could not do that anyhow: the socket is its user's alone.
void make_backup(const Context& context, const Caller& caller, const Fields& fields,
                 const std::shared_ptr<Reply>& reply) {
  if (caller.who.via != Principal::Via::socket) {
    return reply->failure({Errc::permission_denied,
                           "a backup is made over the administration's socket alone, on the machine of the server: "
                           "vodlift backup FILE"});
  }
  const std::filesystem::path file = std::string(fields.text("file"));
  context.backups.make({file, fields.flag("replace")}, [file, reply](const Result<BackupManifest>& made) {
    if (!made) return reply->failure(made.error());
    reply->success(
        {},
        object{{"file", file.string()}, {"manifest_file", manifest_of(file).string()}, {"manifest", to_json(*made)}});
  });
}

constexpr std::array kStoreRoutes = {
    Route{.name = "store.backup",
          .act = Act::manage_people,
          .method = "POST",
          .path = "/store/backup",
          .fields = kBackupFields,
          .mutating = true,
          .run = make_backup},
};

}  // namespace

std::span<const Route> store_routes() { return kStoreRoutes; }

}  // namespace vodlift::rest
