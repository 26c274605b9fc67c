# What `cmake --install` lays down: headers, libraries, package files, plugins, experiments, the author's template.
