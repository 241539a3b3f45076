package postgres

import "context"

// Show is a setting of a connection of the pool.
func (db *DB) Show(ctx context.Context, setting string) (string, error) {
	var value string
	err := db.x.GetContext(ctx, &value, `SELECT current_setting($1)`, setting)
	return value, err
}
