package embedded

// MiniRedis is the Redis of a machine without redis-server.
func MiniRedis() (*Server, error) {
	s, _, err := miniRedis()
	return s, err
}
