#pragma once

#include <string>

/** Of the daemon that `--daemon` names. */
const std::string& realDaemonSocket();
