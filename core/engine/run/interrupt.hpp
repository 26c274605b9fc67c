// SIGINT, SIGTERM, SIGUSR1 and a stop file ask for an orderly end: state is saved, then Interrupted is thrown.
#pragma once

#include <filesystem>

namespace lamina::engine {

/// Installs the handlers once; a second SIGINT ends the program at once.
void install_interrupt_handlers();
/// A file whose existence asks for the same ("<run folder>/stop"); empty: none.
void set_stop_file(const std::filesystem::path& file);
bool interrupt_requested();
/// Forgets a request that was served.
void reset_interrupt();
/// Throws Interrupted("...; state is saved in <where>; the same command goes on") when asked to stop.
void throw_if_interrupted(const std::filesystem::path& where);

}  // namespace lamina::engine
