// Package config is the whole configuration of a hengdai process: one YAML file, then environment variables over it
// (HENGDAI_LISTEN_PUBLIC_HTTP is listen.public_http), then checks that name the wrong key, its value and what would be
// right. No file and no variable at all is a complete sandbox on loopback.
//
// The production profile refuses what belongs to the sandbox: its server, its self-made certificate, its parties.
package config
