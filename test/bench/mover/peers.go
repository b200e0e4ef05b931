package main

import (
	"net/url"
	"os"
	"path/filepath"
	"strconv"
)

// rclone gives a command line of rclone with its settings in the environment. It
// gets as many transfers as the others have workers, and what its manual advises for
// S3: listings of everything at once, and no look at whether the bucket exists.
func rclone(task string, flags ...string) func(*bench, turn) ([]string, []string, error) {
	return func(b *bench, t turn) ([]string, []string, error) {
		workers := strconv.Itoa(t.workers)
		args := append([]string{b.programs.rclone, task, "source:" + t.source.bucket, "target:" + t.target.bucket}, flags...)
		// A target that the mover wrote to has its manifest, which rclone would remove.
		args = append(args, "--exclude", "/.rempart/**", "--config", "", "--transfers", workers, "--checkers", workers, "--s3-no-check-bucket")
		if t.bundle != "" {
			args = append(args, "--ca-cert", t.bundle)
		}
		return args, append(rcloneRemote("SOURCE", t.source), rcloneRemote("TARGET", t.target)...), nil
	}
}

func rcloneRemote(name string, e end) []string {
	setting := "RCLONE_CONFIG_" + name + "_"
	return []string{
		setting + "TYPE=s3", setting + "PROVIDER=Other", setting + "FORCE_PATH_STYLE=true",
		setting + "ENDPOINT=" + e.endpoint, setting + "REGION=" + e.region,
		setting + "ACCESS_KEY_ID=" + e.accessKey, setting + "SECRET_ACCESS_KEY=" + e.secretKey,
	}
}

// mc gives a command line of mc. It chooses by itself how many objects it has in work.
func mc(b *bench, t turn) (args, environment []string, err error) {
	config := filepath.Join(b.dir, "mc")
	if t.bundle != "" {
		if err := trustedByMC(config, t.bundle); err != nil {
			return nil, nil, err
		}
	}
	args = []string{b.programs.mc, "--config-dir", config, "--quiet", "mirror", "source/" + t.source.bucket, "target/" + t.target.bucket}
	source, err := mcHost(t.source)
	if err != nil {
		return nil, nil, err
	}
	target, err := mcHost(t.target)
	return args, []string{"MC_HOST_source=" + source, "MC_HOST_target=" + target}, err
}

func mcHost(e end) (string, error) {
	host, err := url.Parse(e.endpoint)
	if err != nil {
		return "", err
	}
	host.User = url.UserPassword(e.accessKey, e.secretKey)
	return host.String(), nil
}

// trustedByMC puts the authorities where mc looks for them.
func trustedByMC(config, bundle string) error {
	folder := filepath.Join(config, "certs", "CAs")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	content, err := os.ReadFile(bundle)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, "bench.crt"), content, 0o600)
}
