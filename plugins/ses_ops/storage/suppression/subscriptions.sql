-- name: has_left
-- Whether an address gets no bulk mail of a sender domain, because somebody asked for that on its behalf.
SELECT EXISTS (SELECT FROM suppression
               WHERE address_key = %(address_key)s AND scope = %(sender_domain)s
                 AND (expires_at IS NULL OR expires_at > now()));
