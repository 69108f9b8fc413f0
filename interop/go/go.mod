module coze-rs/interop

go 1.22

require github.com/coze-dev/coze-go v0.1.0
