SUMMARY = "Thunder plugin that serves Exchange::IRuntimeManager by runtimemanagerd"
DESCRIPTION = "Takes the place of upstream's RuntimeManager plugin under the callsign org.rdk.RuntimeManager"
LICENSE = "Apache-2.0"
LIC_FILES_CHKSUM = "file://LICENSE;md5=3b83ef96387f14655fc854ddc3c6bd57"

# The address and the revision of your copy of the project.
RUNTIME_MANAGER_URI ?= ""
RUNTIME_MANAGER_REVISION ?= "${AUTOREV}"
SRC_URI = "${RUNTIME_MANAGER_URI}"
SRCREV = "${RUNTIME_MANAGER_REVISION}"
S = "${WORKDIR}/git"
OECMAKE_SOURCEPATH = "${S}/thunder-bridge"

inherit cmake python3native

# Thunder 4.4 (R4_4-RDK), its generators, and the interfaces: the names of meta-rdk-video's recipes.
DEPENDS = "wpeframework wpeframework-tools-native entservices-apis"

EXTRA_OECMAKE = " \
    -DBRIDGE_TESTS=OFF \
    -DPYTHON_EXECUTABLE=${STAGING_BINDIR_NATIVE}/python3-native/python3 \
    -DPLUGIN_RUNTIME_MANAGER_AUTOSTART=true \
    -DPLUGIN_RUNTIME_MANAGER_SOCKET=/run/runtime-manager/control.sock \
"

FILES:${PN} += "${libdir}/wpeframework/plugins/*.so ${sysconfdir}/WPEFramework/plugins/RuntimeManager.json"
FILES_SOLIBSDEV = ""
INSANE_SKIP:${PN} += "dev-so"

# Upstream's plugin installs RuntimeManager.json too: take it out of the PACKAGECONFIG of entservices-appmanagers.
